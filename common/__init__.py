"""What both frameworks share: neither of them is imported here.

Imports run one way only: common <- backends <- benchmarks.
"""
