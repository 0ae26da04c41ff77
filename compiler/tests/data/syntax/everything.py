"""Every construct of the accepted subset, once."""
from __future__ import annotations
import os.path as osp, math
from . import sibling
from ..pkg.mod import (a as b, c,
                       d)
from x import *

@decorator
@other.decorator(1, k=2)
class Net(nn.Module, metaclass=Meta):
    scale: float = 0.5
    name: "str"

    def __init__(self, a, b=1, *args, c: int = 2, **kwargs) -> None:
        super().__init__(); self.a = a
        self.layers = [nn.Conv2d(i, 2 * i, 3) for i in range(1, 4) if i % 2 if i]
        self.table = {"a": 1, **kwargs, 'b': [1, 2, *args]}
        self.names = {x for x in "abc"}
        self.by_name = {k: v for k, v in self.table.items()}
        self.a = self.b = a @ b // c ** -2 << 1 | 3 & ~4 ^ 5
        self.t = 1,
        x, (y, *z) = 1, (2, 3, 4)
        self.a += 1; self.a **= 2; self.a //= 3

    async def f(self, x, /, y, *, z=None):
        await g(x)
        async for i in h():
            pass
        async with a as b, c:
            return

    def forward(self, x):
        if (n := len(x)) > 10 and not x is None or x not in (1, 2):
            x = x[..., 1:2, ::-1, None, :, 3]
        elif x if y else z:
            del x, y[0]
        else:
            raise ValueError(f"{x!r:>{n}} {{}} {y:.2f} {z=}") from None
        for i, (a, b) in enumerate(zip(x, y)):
            if i: continue
            break
        else:
            pass
        while True:
            try:
                x = yield
                y = yield from z
            except (A, B) as error:
                pass
            except C:
                raise
            else:
                x = 1
            finally:
                y = 0x1F + 0b11 + 0o17 + 1_000 + 1.5e-3 + .5 + 2. + 3j
        with (open(a) as f, open(b)):
            assert x, "message"
        global G
        f = lambda x, *a, k=1, **b: (x, a) if k else None
        g = (i for i in x)
        s = 'a' "b" r'\n' '''c
d''' b"\x00\\"
        return self.layers[0](x)(y)[1].z(*a, k=1, **b), -x ** 2 < 3 <= 4 != 5
