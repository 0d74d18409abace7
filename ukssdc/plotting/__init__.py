"""Light curves, positions and spectra drawn into axes of matplotlib, with the conventions of X-ray astronomy.

1-sigma error bars; 3-sigma upper limits as arrows; WT blue, PC red; units and band on the axes. Matplotlib is optional:
what is here is imported by the results' `plot` methods, when they are called.
"""
