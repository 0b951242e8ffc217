"""Speed of flowsim beside floors and peers, in one run on one machine: ``python -m benchmarks``."""
