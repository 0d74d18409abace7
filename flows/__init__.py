"""The flows, one file each, and what they share; installed as `xrt_products.flows`."""
