"""The reference HAVIP network: sans-IO rules, a kernel data plane, an API in the shape of the real one."""
