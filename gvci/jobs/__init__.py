"""Jobs: a job is a directory and the process that works in it; everybody else only reads."""
