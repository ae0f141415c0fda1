"""Graphs and configuration for CMSSW's `HGCalConcentratorAutoEncoderImpl`, and a replica of what that class does."""
