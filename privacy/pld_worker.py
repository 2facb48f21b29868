"""The child process of `privacy.pld`: one number in, one number out, under a memory limit.

Run as a script: `python pld_worker.py NOISE_MULTIPLIER DELTA INTERVAL MEMORY_MIB`; prints epsilon.
"""

import sys


def main(noise_multiplier: float, delta: float, interval: float, memory_mib: int) -> float:
    """Compute the epsilon of one Gaussian release from its privacy loss distribution.

    Args:
        noise_multiplier: standard deviation per unit of L2 sensitivity.
        delta: in (0, 1).
        interval: grid step of the privacy loss; the result is rounded up to it.
        memory_mib: address space this process may use; not enforced where the system has no such limit (Windows).
    """
    try:
        import resource
    except ModuleNotFoundError:
        pass
    else:
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        wanted = memory_mib * 2**20
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))

    import dp_accounting
    from dp_accounting import pld

    accountant = pld.PLDAccountant(value_discretization_interval=interval)
    accountant.compose(dp_accounting.GaussianDpEvent(noise_multiplier))
    return float(accountant.get_epsilon(delta))


if __name__ == "__main__":
    print(repr(main(float(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))))
