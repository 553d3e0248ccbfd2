"""The image network of YOLO-World-Seg v1-L in PyTorch, batch normalisations folded, with random weights: for its speed.

The shapes are those that `zoobench latency --random-weights v1-L` measures, with 1,203 texts.
"""
import torch
from torch import nn
from torch.nn import functional as F

TEXTS, TEXT_WIDTH, BINS, MASKS = 1203, 512, 16, 32
WIDTHS, BLOCKS, NECK_BLOCKS, HEADS = (64, 128, 256, 512, 512), (3, 6, 6, 3), 3, (4, 8, 8)


class Conv(nn.Module):
    def __init__(self, width, out, kernel=1, stride=1, silu=True):
        super().__init__()
        self.conv, self.silu = nn.Conv2d(width, out, kernel, stride, kernel // 2), silu

    def forward(self, x):
        x = self.conv(x)
        return F.silu(x) if self.silu else x


class Bottleneck(nn.Module):
    def __init__(self, width, residual):
        super().__init__()
        self.first, self.second, self.residual = Conv(width, width, 3), Conv(width, width, 3), residual

    def forward(self, x):
        y = self.second(self.first(x))
        return x + y if self.residual else y


class Attention(nn.Module):
    """Each head's channels scaled by the sigmoid of the best text's product with them."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.project = heads, Conv(width, width, 3, silu=False)
        self.guide, self.bias = nn.Linear(TEXT_WIDTH, width), nn.Parameter(torch.zeros(heads))

    def forward(self, x, texts):
        images, width, rows, columns = x.shape
        shape = (images, self.heads, width // self.heads, rows, columns)
        guide = self.guide(texts).reshape(images, -1, self.heads, width // self.heads)
        best = torch.einsum("bmchw,bnmc->bmhwn", x.reshape(shape), guide).amax(-1)
        weight = torch.sigmoid(best / (width // self.heads) ** 0.5 + self.bias[None, :, None, None])
        return (self.project(x).reshape(shape) * weight.unsqueeze(2)).reshape(x.shape)


class Csp(nn.Module):
    def __init__(self, width, out, blocks, heads=None):
        super().__init__()
        half, links = out // 2, 2 + blocks + (heads is not None)
        self.split, self.join = Conv(width, out), Conv(links * half, out)
        self.blocks = nn.ModuleList(Bottleneck(half, heads is None) for _ in range(blocks))
        self.attention = Attention(half, heads) if heads else None

    def forward(self, x, texts=None):
        links = list(self.split(x).chunk(2, 1))
        for block in self.blocks:
            links.append(block(links[-1]))
        if self.attention is not None:
            links.append(self.attention(links[-1], texts))
        return self.join(torch.cat(links, 1))


class Pooling(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first, self.second = Conv(width, width // 2), Conv(2 * width, width)

    def forward(self, x):
        maps = [self.first(x)]
        for _ in range(3):
            maps.append(F.max_pool2d(maps[-1], 5, 1, 2))
        return self.second(torch.cat(maps, 1))


class Enhancer(nn.Module):
    """Texts attend to nine cells of each level."""

    def __init__(self, widths, width=256, heads=8):
        super().__init__()
        self.projections = nn.ModuleList(nn.Conv2d(channels, width, 1) for channels in widths)
        side = lambda channels: nn.Sequential(nn.LayerNorm(channels), nn.Linear(channels, width))
        self.query, self.key, self.value = side(TEXT_WIDTH), side(width), side(width)
        self.out, self.heads = nn.Linear(width, TEXT_WIDTH), heads

    def forward(self, texts, maps):
        cells = [F.adaptive_max_pool2d(project(x), 3).flatten(2) for project, x in zip(self.projections, maps)]
        cells = torch.cat(cells, 2).transpose(1, 2)
        split = lambda x: x.reshape(*x.shape[:2], self.heads, -1).transpose(1, 2)
        query, key, value = split(self.query(texts)), split(self.key(cells)), split(self.value(cells))
        mixed = F.scaled_dot_product_attention(query, key, value)
        return texts + self.out(mixed.transpose(1, 2).flatten(2))


def branch(width, hidden, out):
    return nn.Sequential(Conv(width, hidden, 3), Conv(hidden, hidden, 3), nn.Conv2d(hidden, out, 1))


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        stem, *widths = WIDTHS
        self.stem = Conv(3, stem, 3, 2)
        before = [stem, *widths[:-1]]
        self.stages = nn.ModuleList(
            nn.Sequential(Conv(a, b, 3, 2), Csp(b, b, n)) for a, b, n in zip(before, widths, BLOCKS)
        )
        _, c3, c4, c5 = widths
        self.pooling = Pooling(c5)
        self.down = nn.ModuleList([Csp(c5 + c4, c4, NECK_BLOCKS, HEADS[1]), Csp(c4 + c3, c3, NECK_BLOCKS, HEADS[0])])
        self.strides = nn.ModuleList([Conv(c3, c3, 3, 2), Conv(c4, c4, 3, 2)])
        self.up = nn.ModuleList([Csp(c3 + c4, c4, NECK_BLOCKS, HEADS[1]), Csp(c4 + c5, c5, NECK_BLOCKS, HEADS[2])])
        self.enhancer = Enhancer((c3, c4, c5))
        self.classes = nn.ModuleList(branch(width, c3, TEXT_WIDTH) for width in (c3, c4, c5))
        self.boxes = nn.ModuleList(branch(width, 64, 4 * BINS) for width in (c3, c4, c5))
        self.masks = nn.ModuleList(branch(width, c3 // 4, MASKS) for width in (c3, c4, c5))
        self.prototypes = nn.ModuleList([Conv(c3, 256, 3), Conv(256, 256, 3), Conv(256, MASKS)])
        self.register_buffer("bins", torch.arange(BINS, dtype=torch.float32))

    def forward(self, x, texts):
        maps, x = [], self.stem(x)
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        _, p3, p4, p5 = maps
        p5, up = self.pooling(p5), lambda x: F.interpolate(x, scale_factor=2, mode="nearest")
        t4 = self.down[0](torch.cat([up(p5), p4], 1), texts)
        t3 = self.down[1](torch.cat([up(t4), p3], 1), texts)
        enhanced = self.enhancer(texts, (t3, t4, p5))
        b4 = self.up[0](torch.cat([self.strides[0](t3), t4], 1), enhanced)
        b5 = self.up[1](torch.cat([self.strides[1](b4), p5], 1), enhanced)
        levels = [self.level(index, x, texts) for index, x in enumerate((t3, b4, b5))]
        first, second, third = self.prototypes
        return levels, third(second(up(first(t3))))

    def level(self, index, x, texts):
        logits = torch.einsum("bchw,bnc->bnhw", F.normalize(self.classes[index](x), dim=1), F.normalize(texts, dim=2))
        bins = self.boxes[index](x)
        images, _, rows, columns = bins.shape
        shares = bins.reshape(images, 4, BINS, rows, columns).softmax(2)
        distances = (shares * self.bins.to(shares.dtype)[:, None, None]).sum(2)
        return logits, distances, self.masks[index](x)
