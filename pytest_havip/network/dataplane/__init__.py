"""The reference network in the kernel: namespaces, bridges, the guard, and the way of announcements in and out."""
