"""Who does the work of many pictures: processes on this machine, or on those of a cluster."""
