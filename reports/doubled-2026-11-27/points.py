#!/usr/bin/env python3
"""Rounding errors of minimal filtering in float32, by points of interpolation (needs numpy):

    points.py

Root mean square over all outputs of 256 channels, relative to the outputs: F(4 x 4, 3 x 3) with the points 0,
near, -near, far, -far and infinity, and F(4 x 4, 2 x 2) with 0, near, -near, far and infinity.
"""
import numpy as np

CHANNELS, TILES, OUT = 256, 400, 4


def transforms(points, taps):
    """A^T, G and B^T of F(OUT, taps), interpolating at the points and at infinity (Toom and Cook, transposed)."""
    size = len(points) + 1
    outputs = np.array([[p**k for p in points] + [float(k == OUT - 1)] for k in range(OUT)])
    kernels, inputs = np.zeros((size, taps)), np.zeros((size, size))
    for i, p in enumerate(points):
        others = [q for j, q in enumerate(points) if j != i]
        kernels[i] = [p**j / np.prod([p - q for q in others]) for j in range(taps)]
        inputs[i, :-1] = np.poly(others)[::-1]
    kernels[-1, -1] = 1
    inputs[-1] = np.poly(points)[::-1]
    return outputs, kernels, inputs


def error(points, taps):
    """The error of tiles of noise under kernels of noise."""
    rng = np.random.default_rng(0)
    side = OUT + taps - 1
    tiles = rng.standard_normal((TILES, CHANNELS, side, side)).astype(np.float32)
    kernel = (rng.standard_normal((CHANNELS, taps, taps)) / 16 / taps).astype(np.float32)
    exact = sum(np.einsum('tcab,c->tab', tiles[:, :, i:i + OUT, j:j + OUT].astype(float), kernel[:, i, j].astype(float))
                for i in range(taps) for j in range(taps))
    a, g, b = transforms(points, taps)
    transformed = np.einsum('ia,cab,jb->cij', g, kernel.astype(float), g).astype(np.float32)
    a, b = a.astype(np.float32), b.astype(np.float32)
    values = np.einsum('tcib,jb->tcij', np.einsum('ia,tcab->tcib', b, tiles), b)
    products = np.zeros((TILES, side, side), np.float32)
    for channel in range(CHANNELS):
        products += values[:, channel] * transformed[channel]
    found = np.einsum('tkb,lb->tkl', np.einsum('ka,tab->tkb', a, products), a)
    return np.sqrt(((found - exact)**2).mean() / (exact**2).mean())


print('| near, far | F(4 x 4, 3 x 3) | F(4 x 4, 2 x 2) |\n|---|---:|---:|')
for near, far in [(1, 2), (0.5, 1), (0.625, 1.5), (0.75, 1.5), (0.625, 2), (0.75, 2)]:
    print(f'| {near}, {far} | {error([0, near, -near, far, -far], 3):.2e} | {error([0, near, -near, far], 2):.2e} |')
