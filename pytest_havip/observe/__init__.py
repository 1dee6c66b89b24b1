"""What a third host sees of an address: owners, announcements, data probes."""
