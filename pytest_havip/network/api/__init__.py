"""The front of the reference network, in the shape of Tencent API 3.0 (service `vpc`, version 2017-03-12)."""
