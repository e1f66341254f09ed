"""The daemon, the clock that ticks, and the engines that call the drains."""
