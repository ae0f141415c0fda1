"""What `HGCalConcentratorAutoEncoderImpl` does with a module, in numpy, from the files of a package alone.

Written from the class's public sources and from nothing that writes packages: tables of cells, order of operations and
types are stated here a second time, so that the two can disagree. Floating point is the class's: double, with float32
at the graphs.
"""
