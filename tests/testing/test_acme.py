"""A good carrier passes every check."""

from .acme import AcmeConformance


class TestAcme(AcmeConformance):
    pass
