"""Measures: a network in; its parameters, costs, memory and receptive field out."""
