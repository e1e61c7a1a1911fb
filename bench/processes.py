"""What a process and its children have used so far: processor time and memory."""

import psutil


def cpu_seconds(process_id: int) -> float:
    """Processor time of a process and its children, those that have ended too."""
    root = psutil.Process(process_id)
    total = 0.0
    for process in (root, *root.children(recursive=True)):
        try:
            used = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += used.user + used.system + used.children_user + used.children_system
    return total


def memory_megabytes(process_id: int) -> float:
    """Memory of a process and its children; what they share is counted once."""
    root = psutil.Process(process_id)
    total = 0
    for process in (root, *root.children(recursive=True)):
        try:
            total += process.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total / 2**20
