"""A good carrier, a good platform and a good channel pass every check."""

from .acme import AcmeConformance
from .stall import BellConformance, StallConformance


class TestAcme(AcmeConformance):
    pass


class TestStall(StallConformance):
    pass


class TestBell(BellConformance):
    pass
