# The same work in PyTorch on the same GPU (scripts/gpu.mjs starts it): torch_side.py FILE full|small
# Figures have the names of kernels.ts and models.ts, a line of JSON each. f32 products do not use TF32.
import json
import sys
import time

try:
    import torch
except ImportError:
    print("This python3 has no torch.")
    sys.exit(3)
from torch import nn
from torch.nn import functional as F

out, small = sys.argv[1], sys.argv[2] == "small"
cuda = torch.cuda.is_available()
device = "cuda" if cuda else "cpu"
torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False
torch.manual_seed(1)


def write(entry):
    with open(out, "a") as file:
        file.write(json.dumps(entry) + "\n")


def wait():
    if cuda:
        torch.cuda.synchronize()


def milliseconds_of(work, span=0.04):
    """Median of five rounds, each of as many executions as take a while."""
    work()
    wait()
    start = time.perf_counter()
    work()
    wait()
    once = max(time.perf_counter() - start, 1e-6)
    count = max(1, min(512, int(span / once)))
    times = []
    for _ in range(5):
        wait()
        start = time.perf_counter()
        for _ in range(count):
            work()
        wait()
        times.append((time.perf_counter() - start) / count * 1000)
    return sorted(times)[2]


def figure(name, work, flops=None, moved=None):
    try:
        milliseconds = milliseconds_of(work)
    except Exception as error:  # one figure less, not all
        write({"name": name, "error": str(error)[:300]})
        print(f"{name}: FAILED, {error}")
        return
    entry = {"name": name, "milliseconds": milliseconds, "by": "wall clock"}
    if flops:
        entry["gflops"] = flops / milliseconds / 1e6
    if moved:
        entry["gbPerSecond"] = moved / milliseconds / 1e6
    write(entry)
    print(f"{name}: {milliseconds:.4g} ms")


def draw(*shape, dtype=torch.float32):
    return torch.randn(*shape, device=device).to(dtype)


def product(rows, depth, columns, dtype):
    """f16 weights meet f16 inputs here: PyTorch has no product of f32 with f16."""
    kind = torch.float16 if dtype == "f16" else torch.float32
    x, w = draw(rows, depth, dtype=kind), draw(columns, depth, dtype=kind)
    head = "matvec" if rows == 1 else f"matmul {rows} ×"
    work = {"moved": w.element_size() * w.numel()} if rows == 1 else {"flops": 2 * rows * depth * columns}
    figure(f"{head} {depth} × {columns}, {dtype} weights", lambda: F.linear(x, w), **work)


def prefill(length, heads):
    q, k, v = (draw(1, heads, length, 64) for _ in range(3))
    name = f"attention, causal, {heads} heads of 64, {length} tokens"
    work = lambda: F.scaled_dot_product_attention(q, k, v, is_causal=True)
    figure(name, work, flops=2 * heads * 64 * length * (length + 1))


def decode(keys, heads):
    q = draw(1, heads, 1, 64)
    k, v = draw(1, heads, keys, 64), draw(1, heads, keys, 64)
    name = f"attention of one token, {heads} heads of 64, {keys} keys"
    figure(name, lambda: F.scaled_dot_product_attention(q, k, v), moved=8 * keys * heads * 64)


class Block(nn.Module):
    """A layer of GPT-2 (causal, norm first) or of BERT."""

    def __init__(self, width, causal):
        super().__init__()
        self.causal, self.heads = causal, width // 64
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def attend(self, x, cache, past):
        batch, length, width = x.shape
        q, k, v = self.qkv(x).view(batch, length, 3, self.heads, 64).permute(2, 0, 3, 1, 4)
        if cache is not None:
            cache[0][:, :, past : past + length], cache[1][:, :, past : past + length] = k, v
            k, v = cache[0][:, :, : past + length], cache[1][:, :, : past + length]
        y = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal and length > 1)
        return self.out(y.transpose(1, 2).reshape(batch, length, width))

    def inner(self, x):
        return self.down(F.gelu(self.up(x), approximate="tanh" if self.causal else "none"))

    def forward(self, x, cache=None, past=0):
        if self.causal:
            x = x + self.attend(self.norm1(x), cache, past)
            return x + self.inner(self.norm2(x))
        x = self.norm1(x + self.attend(x, cache, past))
        return self.norm2(x + self.inner(x))


class Model(nn.Module):
    def __init__(self, layers, width, vocabulary, causal):
        super().__init__()
        self.words, self.places = nn.Embedding(vocabulary, width), nn.Embedding(1024, width)
        self.blocks = nn.ModuleList(Block(width, causal) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.causal = causal

    def forward(self, ids, caches=None, past=0):
        places = torch.arange(past, past + ids.shape[1], device=ids.device)
        x = self.words(ids) + self.places(places)
        for index, block in enumerate(self.blocks):
            x = block(x, caches and caches[index], past)
        x = self.norm(x)
        return x @ self.words.weight.T if self.causal else x


layers, width, vocabulary, tokens, batch = (2, 128, 512, 32, 2) if small else (12, 768, 50257, 128, 8)
name = torch.cuda.get_device_name() if cuda else "CPU"
write({"adapter": {"description": name}, "torch": torch.__version__, "cuda": torch.version.cuda})

with torch.no_grad():
    x = draw((1 if small else 64) * 2**20)
    y = torch.empty_like(x)
    figure(f"copy of {x.numel() * 4 // 2**20} MiB", lambda: y.copy_(x), moved=8 * x.numel())
    for size in [64, 256] if small else [512, 1024, 2048, 4096]:
        for dtype in ["f32", "f16"]:
            product(size, size, size, dtype)
    length, heads, wide = (64, 4, 256) if small else (2048, 32, 4096)
    for dtype in ["f32", "f16"]:
        product(128, 768, 3072, dtype)
        product(1, wide, wide, dtype)
        product(1, 768, 3072, dtype)
    prefill(length, heads)
    prefill(128, 12)
    decode(length * 2, heads)
    decode(128, 12)
    rows = draw(wide * 2, 1024)
    weight, bias = draw(1024), draw(1024)
    moved = 8 * rows.numel()
    norm = lambda: F.layer_norm(rows, (1024,), weight, bias)
    figure(f"layer norm {wide * 2} × 1024", norm, moved=moved)
    figure(f"softmax {wide * 2} × 1024", lambda: rows.softmax(-1), moved=moved)

parameter = nn.Parameter(draw(2**16 if small else 2**25))
parameter.grad = torch.randn_like(parameter)
adam = torch.optim.AdamW([parameter], fused=cuda or None)
figure(f"Adam of {parameter.numel()} parameters", adam.step, moved=28 * parameter.numel())

ids = torch.randint(0, 509, (1, tokens), device=device)
for dtype in ["f32", "f16"]:
    kind = torch.float16 if dtype == "f16" else torch.float32
    with torch.no_grad():
        model = Model(layers, width, 512, False).to(device, kind)
        figure(f"encoder {layers} × {width}, {tokens} tokens, {dtype}", lambda: model(ids))
        model = Model(layers, width, vocabulary, True).to(device, kind)
        shape = (1, width // 64, 2 * tokens, 64)
        caches = [[draw(*shape, dtype=kind) for _ in range(2)] for _ in range(layers)]
        token = ids[:, :1]
        step = lambda: model(token, caches, tokens).argmax(-1)
        figure(f"step of GPT-2 {layers} × {width} at past {tokens}, {dtype}", step)

model = Model(layers, width, vocabulary, True).to(device)
optimizer = torch.optim.AdamW(model.parameters(), fused=cuda or None)
texts = torch.randint(0, 509, (batch, tokens), device=device)


def train():
    loss = F.cross_entropy(model(texts)[:, :-1].flatten(0, 1), texts[:, 1:].flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


figure(f"training step of GPT-2 {layers} × {width}, {batch} × {tokens} tokens", train)
