class MultiheadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads, dropout=0.0, bias=True, add_bias_kv=False, add_zero_attn=False, kdim=None, vdim=None, batch_first=False, device=None, dtype=None):
        super().__init__()
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(f"embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and num_heads={num_heads} instead")
        self.embed_dim = embed_dim
        self.kdim = kdim if kdim is not None else embed_dim
        self.vdim = vdim if vdim is not None else embed_dim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        assert self.head_dim * num_heads == self.embed_dim, "embed_dim must be divisible by num_heads"
        if self._qkv_same_embed_dim:
            self.in_proj_weight = nn.Parameter(torch.empty(3 * embed_dim, embed_dim))
            self.register_parameter("q_proj_weight", None)
            self.register_parameter("k_proj_weight", None)
            self.register_parameter("v_proj_weight", None)
        else:
            self.q_proj_weight = nn.Parameter(torch.empty(embed_dim, embed_dim))
            self.k_proj_weight = nn.Parameter(torch.empty(embed_dim, self.kdim))
            self.v_proj_weight = nn.Parameter(torch.empty(embed_dim, self.vdim))
            self.register_parameter("in_proj_weight", None)
        if bias:
            self.in_proj_bias = nn.Parameter(torch.zeros(3 * embed_dim))
        else:
            self.register_parameter("in_proj_bias", None)
        self.out_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        if add_bias_kv:
            self.bias_k = nn.Parameter(torch.empty(1, 1, embed_dim))
            self.bias_v = nn.Parameter(torch.empty(1, 1, embed_dim))
        else:
            self.bias_k = self.bias_v = None
        self.add_zero_attn = add_zero_attn
        nasc_xavier_uniform(self)

    def forward(self, query, key, value, key_padding_mask=None, need_weights=True, attn_mask=None, average_attn_weights=True, is_causal=False):
        if self.add_zero_attn or self.bias_k is not None:
            nasc_unsupported("MultiheadAttention with add_bias_kv or add_zero_attn")
        is_batched = query.dim() == 3
        if not is_batched and query.dim() != 2:
            raise AssertionError(f"query should be unbatched 2D or batched 3D tensor but received {query.dim()}-D query tensor")
        same_key_value = key is value
        self_attention = query is key and same_key_value
        if self.batch_first and is_batched:
            query = query.transpose(1, 0)
            key = query if self_attention else key.transpose(1, 0)
            value = key if same_key_value else value.transpose(1, 0)
        if not is_batched:
            query = query.unsqueeze(1)
            key = query if self_attention else key.unsqueeze(1)
            value = key if same_key_value else value.unsqueeze(1)
        length, batch, features = query.shape
        assert features == self.embed_dim, f"was expecting embedding dimension of {self.embed_dim}, but got {features}"
        q, k, v = self._project(query, key, value, self_attention, same_key_value)
        heads, width = self.num_heads, self.head_dim
        q = q.contiguous().view(length, batch * heads, width).transpose(0, 1)
        k = k.contiguous().view(k.shape[0], batch * heads, width).transpose(0, 1)
        v = v.contiguous().view(v.shape[0], batch * heads, width).transpose(0, 1)
        keys = k.size(1)
        q = q.view(batch, heads, length, width)
        k = k.view(batch, heads, keys, width)
        v = v.view(batch, heads, keys, width)
        mask = None
        if attn_mask is not None:
            if attn_mask.dim() == 2:
                mask = attn_mask.unsqueeze(0).unsqueeze(0)
            else:
                mask = attn_mask.view(batch, heads, length, keys)
        if key_padding_mask is not None:
            nasc_unsupported("key_padding_mask of MultiheadAttention")
        if need_weights:
            scores = torch.matmul(q * (1.0 / math.sqrt(width)), k.transpose(-2, -1))
            if mask is not None:
                scores = scores.masked_fill(mask, float("-inf")) if mask.dtype == torch.bool else scores + mask
            weights = F.dropout(F.softmax(scores, dim=-1), self.dropout, self.training)
            out = torch.matmul(weights, v)
        else:
            weights = None
            out = F.scaled_dot_product_attention(q, k, v, mask, self.dropout if self.training else 0.0, is_causal and mask is None)
        out = out.permute(2, 0, 1, 3).contiguous().view(length, batch, features)
        out = F.linear(out, self.out_proj.weight, self.out_proj.bias)
        if weights is not None and average_attn_weights:
            weights = weights.mean(dim=1)
        if not is_batched:
            return out.squeeze(1), None if weights is None else weights.squeeze(0)
        if self.batch_first:
            out = out.transpose(1, 0)
        return out, weights

    def _project(self, query, key, value, self_attention, same_key_value):
        size = self.embed_dim
        bias = self.in_proj_bias
        if not self._qkv_same_embed_dim:
            parts = (None, None, None) if bias is None else bias.chunk(3)
            return (F.linear(query, self.q_proj_weight, parts[0]), F.linear(key, self.k_proj_weight, parts[1]), F.linear(value, self.v_proj_weight, parts[2]))
        if self_attention:
            return F.linear(query, self.in_proj_weight, bias).chunk(3, dim=-1)
        if same_key_value:
            weights = self.in_proj_weight.split([size, 2 * size])
            biases = (None, None) if bias is None else bias.split([size, 2 * size])
            k, v = F.linear(key, weights[1], biases[1]).chunk(2, dim=-1)
            return F.linear(query, weights[0], biases[0]), k, v
        weights = self.in_proj_weight.chunk(3)
        parts = (None, None, None) if bias is None else bias.chunk(3)
        return (F.linear(query, weights[0], parts[0]), F.linear(key, weights[1], parts[1]), F.linear(value, weights[2], parts[2]))


def _activation(activation):
    if not isinstance(activation, str):
        return activation
    if activation == "relu":
        return F.relu
    if activation == "gelu":
        return F.gelu
    raise RuntimeError(f"activation should be relu/gelu, not {activation}")


class TransformerEncoderLayer(nn.Module):
    def __init__(self, d_model, nhead, dim_feedforward=2048, dropout=0.1, activation=F.relu, layer_norm_eps=1e-5, batch_first=False, norm_first=False, bias=True, device=None, dtype=None):
        super().__init__()
        self.self_attn = nn.MultiheadAttention(d_model, nhead, dropout=dropout, bias=bias, batch_first=batch_first)
        self.linear1 = nn.Linear(d_model, dim_feedforward, bias=bias)
        self.dropout = nn.Dropout(dropout)
        self.linear2 = nn.Linear(dim_feedforward, d_model, bias=bias)
        self.norm_first = norm_first
        self.norm1 = nn.LayerNorm(d_model, eps=layer_norm_eps, bias=bias)
        self.norm2 = nn.LayerNorm(d_model, eps=layer_norm_eps, bias=bias)
        self.dropout1 = nn.Dropout(dropout)
        self.dropout2 = nn.Dropout(dropout)
        self.activation = _activation(activation)

    def forward(self, src, src_mask=None, src_key_padding_mask=None, is_causal=False):
        x = src
        if self.norm_first:
            x = x + self._sa_block(self.norm1(x), src_mask, src_key_padding_mask, is_causal)
            return x + self._ff_block(self.norm2(x))
        x = self.norm1(x + self._sa_block(x, src_mask, src_key_padding_mask, is_causal))
        return self.norm2(x + self._ff_block(x))

    def _sa_block(self, x, attn_mask, key_padding_mask, is_causal=False):
        x = self.self_attn(x, x, x, attn_mask=attn_mask, key_padding_mask=key_padding_mask, need_weights=False, is_causal=is_causal)[0]
        return self.dropout1(x)

    def _ff_block(self, x):
        return self.dropout2(self.linear2(self.dropout(self.activation(self.linear1(x)))))


class TransformerDecoderLayer(nn.Module):
    def __init__(self, d_model, nhead, dim_feedforward=2048, dropout=0.1, activation=F.relu, layer_norm_eps=1e-5, batch_first=False, norm_first=False, bias=True, device=None, dtype=None):
        super().__init__()
        self.self_attn = nn.MultiheadAttention(d_model, nhead, dropout=dropout, bias=bias, batch_first=batch_first)
        self.multihead_attn = nn.MultiheadAttention(d_model, nhead, dropout=dropout, bias=bias, batch_first=batch_first)
        self.linear1 = nn.Linear(d_model, dim_feedforward, bias=bias)
        self.dropout = nn.Dropout(dropout)
        self.linear2 = nn.Linear(dim_feedforward, d_model, bias=bias)
        self.norm_first = norm_first
        self.norm1 = nn.LayerNorm(d_model, eps=layer_norm_eps, bias=bias)
        self.norm2 = nn.LayerNorm(d_model, eps=layer_norm_eps, bias=bias)
        self.norm3 = nn.LayerNorm(d_model, eps=layer_norm_eps, bias=bias)
        self.dropout1 = nn.Dropout(dropout)
        self.dropout2 = nn.Dropout(dropout)
        self.dropout3 = nn.Dropout(dropout)
        self.activation = _activation(activation)

    def forward(self, tgt, memory, tgt_mask=None, memory_mask=None, tgt_key_padding_mask=None, memory_key_padding_mask=None, tgt_is_causal=False, memory_is_causal=False):
        x = tgt
        if self.norm_first:
            x = x + self._sa_block(self.norm1(x), tgt_mask, tgt_key_padding_mask, tgt_is_causal)
            x = x + self._mha_block(self.norm2(x), memory, memory_mask, memory_key_padding_mask, memory_is_causal)
            return x + self._ff_block(self.norm3(x))
        x = self.norm1(x + self._sa_block(x, tgt_mask, tgt_key_padding_mask, tgt_is_causal))
        x = self.norm2(x + self._mha_block(x, memory, memory_mask, memory_key_padding_mask, memory_is_causal))
        return self.norm3(x + self._ff_block(x))

    def _sa_block(self, x, mask, padding, is_causal):
        return self.dropout1(self.self_attn(x, x, x, attn_mask=mask, key_padding_mask=padding, need_weights=False, is_causal=is_causal)[0])

    def _mha_block(self, x, memory, mask, padding, is_causal):
        return self.dropout2(self.multihead_attn(x, memory, memory, attn_mask=mask, key_padding_mask=padding, need_weights=False, is_causal=is_causal)[0])

    def _ff_block(self, x):
        return self.dropout3(self.linear2(self.dropout(self.activation(self.linear1(x)))))


class TransformerEncoder(nn.Module):
    def __init__(self, encoder_layer, num_layers, norm=None, enable_nested_tensor=True, mask_check=True):
        super().__init__()
        self.layers = nn.ModuleList([copy.deepcopy(encoder_layer) for _ in range(num_layers)])
        self.num_layers = num_layers
        self.norm = norm

    def forward(self, src, mask=None, src_key_padding_mask=None, is_causal=None):
        output = src
        for layer in self.layers:
            output = layer(output, src_mask=mask, src_key_padding_mask=src_key_padding_mask, is_causal=bool(is_causal))
        return output if self.norm is None else self.norm(output)


class TransformerDecoder(nn.Module):
    def __init__(self, decoder_layer, num_layers, norm=None):
        super().__init__()
        self.layers = nn.ModuleList([copy.deepcopy(decoder_layer) for _ in range(num_layers)])
        self.num_layers = num_layers
        self.norm = norm

    def forward(self, tgt, memory, tgt_mask=None, memory_mask=None, tgt_key_padding_mask=None, memory_key_padding_mask=None, tgt_is_causal=None, memory_is_causal=False):
        output = tgt
        for layer in self.layers:
            output = layer(output, memory, tgt_mask=tgt_mask, memory_mask=memory_mask, tgt_key_padding_mask=tgt_key_padding_mask, memory_key_padding_mask=memory_key_padding_mask)
        return output if self.norm is None else self.norm(output)


class Transformer(nn.Module):
    def __init__(self, d_model=512, nhead=8, num_encoder_layers=6, num_decoder_layers=6, dim_feedforward=2048, dropout=0.1, activation=F.relu, custom_encoder=None, custom_decoder=None, layer_norm_eps=1e-5, batch_first=False, norm_first=False, bias=True, device=None, dtype=None):
        super().__init__()
        options = dict(layer_norm_eps=layer_norm_eps, batch_first=batch_first, norm_first=norm_first, bias=bias)
        if custom_encoder is not None:
            self.encoder = custom_encoder
        else:
            layer = nn.TransformerEncoderLayer(d_model, nhead, dim_feedforward, dropout, activation, **options)
            self.encoder = nn.TransformerEncoder(layer, num_encoder_layers, nn.LayerNorm(d_model, eps=layer_norm_eps, bias=bias))
        if custom_decoder is not None:
            self.decoder = custom_decoder
        else:
            layer = nn.TransformerDecoderLayer(d_model, nhead, dim_feedforward, dropout, activation, **options)
            self.decoder = nn.TransformerDecoder(layer, num_decoder_layers, nn.LayerNorm(d_model, eps=layer_norm_eps, bias=bias))
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first

    @staticmethod
    def generate_square_subsequent_mask(sz, device=None, dtype=None):
        return torch.triu(torch.full((sz, sz), float("-inf")), diagonal=1)

    def forward(self, src, tgt, src_mask=None, tgt_mask=None, memory_mask=None, src_key_padding_mask=None, tgt_key_padding_mask=None, memory_key_padding_mask=None):
        memory = self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask)
        return self.decoder(tgt, memory, tgt_mask=tgt_mask, memory_mask=memory_mask)


class Unfold(nn.Module):
    def __init__(self, kernel_size, dilation=1, padding=0, stride=1):
        super().__init__()
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input):
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)


class LocalResponseNorm(nn.Module):
    def __init__(self, size, alpha=1e-4, beta=0.75, k=1.0):
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input):
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)


class CosineSimilarity(nn.Module):
    def __init__(self, dim=1, eps=1e-8):
        super().__init__()
        self.dim = dim
        self.eps = eps

    def forward(self, x1, x2):
        return cosine_similarity(x1, x2, self.dim, self.eps)


class PixelUnshuffle(nn.Module):
    def __init__(self, downscale_factor):
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input):
        return pixel_unshuffle(input, self.downscale_factor)


class ChannelShuffle(nn.Module):
    def __init__(self, groups):
        super().__init__()
        self.groups = groups

    def forward(self, input):
        return channel_shuffle(input, self.groups)


class Softmax2d(nn.Module):
    def forward(self, input):
        assert input.dim() in (3, 4), "Softmax2d requires a 3D or 4D tensor as input"
        return F.softmax(input, -3)


class UpsamplingNearest2d(nn.Module):
    def __init__(self, size=None, scale_factor=None):
        super().__init__()
        self.size = size
        self.scale_factor = scale_factor

    def forward(self, input):
        return F.interpolate(input, self.size, self.scale_factor, "nearest")


class UpsamplingBilinear2d(nn.Module):
    def __init__(self, size=None, scale_factor=None):
        super().__init__()
        self.size = size
        self.scale_factor = scale_factor

    def forward(self, input):
        return F.interpolate(input, self.size, self.scale_factor, "bilinear", align_corners=True)


def normalize(input, p=2.0, dim=1, eps=1e-12, out=None):
    return input / input.norm(p, dim, keepdim=True).clamp(min=eps)


def cosine_similarity(x1, x2, dim=1, eps=1e-8):
    top = (x1 * x2).sum(dim)
    return top / (x1.norm(2, dim).clamp(min=eps) * x2.norm(2, dim).clamp(min=eps))


def pixel_unshuffle(input, downscale_factor):
    r = downscale_factor
    *lead, c, h, w = input.shape
    x = input.view(*lead, c, h // r, r, w // r, r)
    n = len(lead)
    order = list(range(n)) + [n, n + 2, n + 4, n + 1, n + 3]
    return x.permute(*order).reshape(*lead, c * r * r, h // r, w // r)


def channel_shuffle(input, groups):
    b, c, *rest = input.shape
    assert c % groups == 0, "Number of channels must be divisible by groups"
    return input.view(b, groups, c // groups, *rest).transpose(1, 2).reshape(b, c, *rest)


def meshgrid(*tensors, indexing="ij"):
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tensors[0]
    swap = indexing == "xy" and len(tensors) >= 2
    if swap:
        tensors = (tensors[1], tensors[0]) + tuple(tensors[2:])
    sizes = [t.numel() for t in tensors]
    grids = []
    for i, t in enumerate(tensors):
        shape = [1] * len(sizes)
        shape[i] = sizes[i]
        grids.append(t.reshape(shape).expand(*sizes))
    if swap:
        grids = [g.transpose(0, 1) for g in (grids[1], grids[0], *grids[2:])]
    return tuple(grids)


def diff(input, n=1, dim=-1, prepend=None, append=None):
    parts = [t for t in (prepend, input, append) if t is not None]
    x = torch.cat(parts, dim) if len(parts) > 1 else input
    for _ in range(n):
        size = x.shape[dim]
        x = x.narrow(dim, 1, size - 1) - x.narrow(dim, 0, size - 1)
    return x


def addmm(input, mat1, mat2, *, beta=1, alpha=1):
    return input * beta + torch.mm(mat1, mat2) * alpha


def baddbmm(input, batch1, batch2, *, beta=1, alpha=1):
    return input * beta + torch.bmm(batch1, batch2) * alpha


def addcmul(input, tensor1, tensor2, *, value=1):
    return input + value * tensor1 * tensor2


def addcdiv(input, tensor1, tensor2, *, value=1):
    return input + value * tensor1 / tensor2


def lerp(input, end, weight):
    return input + weight * (end - input)


def outer(input, vec2):
    return input.unsqueeze(1) * vec2.unsqueeze(0)


def pack(tensors, pattern):
    names = pattern.split()
    star = names.index("*")
    before, after = star, len(names) - star - 1
    packed, shapes = [], []
    for t in tensors:
        shape = t.shape
        end = len(shape) - after
        shapes.append(tuple(shape[before:end]))
        packed.append(t.reshape(*shape[:before], math.prod(shape[before:end]), *shape[end:]))
    return torch.cat(packed, dim=star), shapes


def unpack(tensor, packed_shapes, pattern):
    names = pattern.split()
    star = names.index("*")
    lengths = [math.prod(shape) for shape in packed_shapes]
    parts = tensor.split(lengths, dim=star)
    return [part.reshape(*part.shape[:star], *shape, *part.shape[star + 1:]) for part, shape in zip(parts, packed_shapes)]


def _ntuple_parse(n):
    def parse(x):
        if isinstance(x, (list, tuple)):
            return tuple(x)
        return (x,) * n
    return parse


_single = _ntuple_parse(1)
_pair = _ntuple_parse(2)
_triple = _ntuple_parse(3)
_quadruple = _ntuple_parse(4)
_ntuple = _ntuple_parse


class SimpleNamespace:
    def __init__(self, **kwargs):
        for name, value in kwargs.items():
            setattr(self, name, value)


class Namespace(SimpleNamespace):
    def __contains__(self, key):
        return key in self.__dict__

    def __getattr__(self, name):
        nasc_unsupported(f"the argument '{name}', which no add_argument that it understands defines")


class ArgumentParser:
    def __init__(self, *args, **kwargs):
        self.nasc_defaults = {}
        for parent in kwargs.get("parents", []):
            self.nasc_defaults.update(parent.nasc_defaults)

    def __getattr__(self, name):
        return getattr(argparse, "parser_" + name)

    def add_argument(self, *names, **options):
        action = options.get("action")
        action = action if isinstance(action, str) else "store"
        if action in ("help", "version"):
            return
        long = [name for name in names if name.startswith("--")] + list(names)
        dest = options.get("dest") or long[0].lstrip("-").replace("-", "_")
        is_given = options.get("required", False) or (
            not names[0].startswith("-") and options.get("nargs") not in ("?", "*") if names else False
        )
        if "default" in options:
            default = options["default"]
            if isinstance(default, str) and options.get("type") is not None:
                default = options["type"](default)
        elif action in ("store_true", "store_false"):
            default = action == "store_false"
        elif is_given:
            default = argparse.argument
        else:
            default = None
        self.nasc_defaults[dest] = default

    def add_argument_group(self, *args, **kwargs):
        return self

    def add_mutually_exclusive_group(self, *args, **kwargs):
        return self

    def set_defaults(self, **kwargs):
        self.nasc_defaults.update(kwargs)

    def get_default(self, dest):
        return self.nasc_defaults.get(dest)

    def parse_args(self, args=None, namespace=None):
        if isinstance(args, list) and len(args) > 0:
            nasc_unsupported("parse_args with arguments of its own")
        parsed = Namespace() if namespace is None else namespace
        for name, value in self.nasc_defaults.items():
            setattr(parsed, name, value)
        return parsed

    def parse_known_args(self, args=None, namespace=None):
        return self.parse_args(args, namespace), []


class ParameterList(nn.Module):
    def __init__(self, values=None):
        super().__init__()
        self._size = 0
        if values is not None:
            self.extend(values)

    def append(self, value):
        setattr(self, str(self._size), nn.Parameter(value) if isinstance(value, torch.Tensor) else value)
        self._size = self._size + 1
        return self

    def extend(self, values):
        for value in values:
            self.append(value)
        return self

    def __iadd__(self, values):
        return self.extend(values)

    def __len__(self):
        return self._size

    def __iter__(self):
        return iter([getattr(self, str(i)) for i in range(self._size)])

    def __getitem__(self, index):
        if isinstance(index, slice):
            return nn.ParameterList(list(self)[index])
        if index < -self._size or index >= self._size:
            raise IndexError(f"index {index} is out of range")
        return getattr(self, str(index if index >= 0 else index + self._size))

    def __setitem__(self, index, value):
        setattr(self, str(index), nn.Parameter(value) if isinstance(value, torch.Tensor) else value)


class ParameterDict(nn.Module):
    def __init__(self, parameters=None):
        super().__init__()
        self._names = []
        if parameters is not None:
            self.update(parameters)

    def update(self, parameters):
        pairs = parameters.items() if hasattr(parameters, "items") else parameters
        for key, value in pairs:
            self[key] = value

    def __setitem__(self, key, value):
        if key not in self._names:
            self._names.append(key)
        setattr(self, key, nn.Parameter(value) if isinstance(value, torch.Tensor) else value)

    def __getitem__(self, key):
        if key not in self._names:
            raise KeyError(key)
        return getattr(self, key)

    def get(self, key, default=None):
        return self[key] if key in self._names else default

    def __contains__(self, key):
        return key in self._names

    def __len__(self):
        return len(self._names)

    def __iter__(self):
        return iter(self._names)

    def keys(self):
        return list(self._names)

    def values(self):
        return [getattr(self, name) for name in self._names]

    def items(self):
        return [(name, getattr(self, name)) for name in self._names]


class _Cell(nn.Module):
    def _start(self, input_size, hidden_size, bias, gates):
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        bound = 1.0 / math.sqrt(hidden_size) if hidden_size > 0 else 0.0
        self.weight_ih = nn.Parameter(torch.empty(gates * hidden_size, input_size).uniform_(-bound, bound))
        self.weight_hh = nn.Parameter(torch.empty(gates * hidden_size, hidden_size).uniform_(-bound, bound))
        if bias:
            self.bias_ih = nn.Parameter(torch.empty(gates * hidden_size).uniform_(-bound, bound))
            self.bias_hh = nn.Parameter(torch.empty(gates * hidden_size).uniform_(-bound, bound))
        else:
            self.register_parameter("bias_ih", None)
            self.register_parameter("bias_hh", None)

    def _check(self, input, name):
        if input.dim() not in (1, 2):
            raise ValueError(f"{name}: Expected input to be 1D or 2D, got {input.dim()}D instead")

    def _state(self, input, hx):
        if hx is not None:
            return hx
        if input.dim() == 1:
            return input.new_zeros(self.hidden_size)
        return input.new_zeros(input.shape[0], self.hidden_size)


class RNNCell(_Cell):
    def __init__(self, input_size, hidden_size, bias=True, nonlinearity="tanh", device=None, dtype=None):
        super().__init__()
        self.nonlinearity = nonlinearity
        self._start(input_size, hidden_size, bias, 1)

    def forward(self, input, hx=None):
        self._check(input, "RNNCell")
        hx = self._state(input, hx)
        sums = F.linear(input, self.weight_ih, self.bias_ih) + F.linear(hx, self.weight_hh, self.bias_hh)
        return torch.tanh(sums) if self.nonlinearity == "tanh" else F.relu(sums)


class LSTMCell(_Cell):
    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__()
        self._start(input_size, hidden_size, bias, 4)

    def forward(self, input, hx=None):
        self._check(input, "LSTMCell")
        h, c = (self._state(input, None), self._state(input, None)) if hx is None else hx
        gates = F.linear(input, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh)
        i, f, g, o = gates.chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


class GRUCell(_Cell):
    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__()
        self._start(input_size, hidden_size, bias, 3)

    def forward(self, input, hx=None):
        self._check(input, "GRUCell")
        hx = self._state(input, hx)
        r, z, n = F.linear(input, self.weight_ih, self.bias_ih).chunk(3, -1)
        hr, hz, hn = F.linear(hx, self.weight_hh, self.bias_hh).chunk(3, -1)
        z = torch.sigmoid(z + hz)
        n = torch.tanh(n + torch.sigmoid(r + hr) * hn)
        return (1 - z) * n + z * hx


def one_hot(tensor, num_classes=-1):
    if num_classes < 0:
        nasc_unsupported("one_hot without num_classes")
    return (tensor.unsqueeze(-1) == torch.arange(num_classes)).long()


def upsample(input, size=None, scale_factor=None, mode="nearest", align_corners=None):
    return F.interpolate(input, size, scale_factor, mode, align_corners)


def rot90(input, k=1, dims=(0, 1)):
    first, second = dims
    k = k % 4
    if k == 1:
        return input.flip([second]).transpose(first, second)
    if k == 2:
        return input.flip([first, second])
    if k == 3:
        return input.flip([first]).transpose(first, second)
    return input.clone()


class _Pad(nn.Module):
    def __init__(self, padding, value=0.0):
        super().__init__()
        self.padding = tuple(padding) if isinstance(padding, (list, tuple)) else (padding,) * (2 * self.nasc_rank)
        self.value = value

    def forward(self, input):
        return F.pad(input, self.padding, self.nasc_mode, self.value if self.nasc_mode == "constant" else None)


class ReflectionPad1d(_Pad):
    nasc_mode, nasc_rank = "reflect", 1


class ReflectionPad3d(_Pad):
    nasc_mode, nasc_rank = "reflect", 3


class ReplicationPad1d(_Pad):
    nasc_mode, nasc_rank = "replicate", 1


class ReplicationPad3d(_Pad):
    nasc_mode, nasc_rank = "replicate", 3


class CircularPad1d(_Pad):
    nasc_mode, nasc_rank = "circular", 1


class CircularPad2d(_Pad):
    nasc_mode, nasc_rank = "circular", 2


class CircularPad3d(_Pad):
    nasc_mode, nasc_rank = "circular", 3


class ConstantPad1d(_Pad):
    nasc_mode, nasc_rank = "constant", 1


class ConstantPad2d(_Pad):
    nasc_mode, nasc_rank = "constant", 2


class ConstantPad3d(_Pad):
    nasc_mode, nasc_rank = "constant", 3


class ZeroPad1d(_Pad):
    nasc_mode, nasc_rank = "constant", 1


class ZeroPad3d(_Pad):
    nasc_mode, nasc_rank = "constant", 3


def fold(input, output_size, kernel_size, dilation=1, padding=0, stride=1):
    if input.dim() == 2:
        return fold(input.unsqueeze(0), output_size, kernel_size, dilation, padding, stride).squeeze(0)
    (oh, ow), (kh, kw), (dh, dw), (ph, pw), (sh, sw) = [_pair(v) for v in (output_size, kernel_size, dilation, padding, stride)]
    batch, rows, length = input.shape
    if rows % (kh * kw) != 0:
        raise RuntimeError(f"Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got input.size(1)={rows} and kernel_size=({kh}, {kw}).")
    lh = (oh + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    lw = (ow + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    if length != lh * lw:
        raise RuntimeError(f"Given output_size=({oh}, {ow}), kernel_size=({kh}, {kw}), dilation=({dh}, {dw}), padding=({ph}, {pw}), stride=({sh}, {sw}), expected size of input's dimension 2 to match the calculated number of sliding blocks {lh} * {lw} = {lh * lw}, but got input.size(2)={length}.")
    channels = rows // (kh * kw)
    x = input.reshape(batch, channels, kh, kw, lh, lw)
    if (kh, kw) == (sh, sw) and (ph, pw) == (0, 0) and (dh, dw) == (1, 1) and (oh, ow) == (lh * kh, lw * kw):
        return x.permute(0, 1, 4, 2, 5, 3).reshape(batch, channels, oh, ow)
    height, width = oh + 2 * ph, ow + 2 * pw
    out = None
    for i in range(kh):
        for j in range(kw):
            part = x[:, :, i, j].reshape(batch, channels, lh, 1, lw, 1)
            part = F.pad(part, (0, sw - 1, 0, 0, 0, sh - 1)).reshape(batch, channels, lh * sh, lw * sw)
            top, left = i * dh, j * dw
            part = F.pad(part, (left, width - left - lw * sw, top, height - top - lh * sh))
            out = part if out is None else out + part
    return out[:, :, ph:ph + oh, pw:pw + ow]


class Fold(nn.Module):
    def __init__(self, output_size, kernel_size, dilation=1, padding=0, stride=1):
        super().__init__()
        self.output_size = output_size
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input):
        return fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)


def lp_pool1d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    out = F.avg_pool1d(input.pow(norm_type), kernel_size, stride, 0, ceil_mode)
    return (torch.sign(out) * F.relu(torch.abs(out))).mul(_single(kernel_size)[0]).pow(1.0 / norm_type)


def lp_pool2d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    kw, kh = _pair(kernel_size)
    out = F.avg_pool2d(input.pow(norm_type), kernel_size, stride, 0, ceil_mode)
    return (torch.sign(out) * F.relu(torch.abs(out))).mul(kw * kh).pow(1.0 / norm_type)


class _LPPool(nn.Module):
    def __init__(self, norm_type, kernel_size, stride=None, ceil_mode=False):
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode


class LPPool1d(_LPPool):
    def forward(self, input):
        return lp_pool1d(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)


class LPPool2d(_LPPool):
    def forward(self, input):
        return lp_pool2d(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)


def bilinear(input1, input2, weight, bias=None):
    outputs, left, right = weight.shape
    if input1.shape[-1] != left or input2.shape[-1] != right:
        raise RuntimeError(f"bilinear(): input sizes ({input1.shape[-1]}, {input2.shape[-1]}) do not match weight sizes ({left}, {right})")
    products = input1.unsqueeze(-1) * input2.unsqueeze(-2)
    out = (products.unsqueeze(-3) * weight).sum((-2, -1))
    return out if bias is None else out + bias


class Bilinear(nn.Module):
    def __init__(self, in1_features, in2_features, out_features, bias=True, device=None, dtype=None):
        super().__init__()
        self.in1_features = in1_features
        self.in2_features = in2_features
        self.out_features = out_features
        bound = 1 / math.sqrt(in1_features)
        self.weight = nn.Parameter(torch.empty(out_features, in1_features, in2_features).uniform_(-bound, bound))
        if bias:
            self.bias = nn.Parameter(torch.empty(out_features).uniform_(-bound, bound))
        else:
            self.register_parameter("bias", None)

    def forward(self, input1, input2):
        return bilinear(input1, input2, self.weight, self.bias)


def cdist(x1, x2, p=2.0, compute_mode="use_mm_for_euclid_dist_if_necessary"):
    return (x1.unsqueeze(-2) - x2.unsqueeze(-3)).norm(p, -1)


def pairwise_distance(x1, x2, p=2.0, eps=1e-6, keepdim=False):
    return (x1 - x2 + eps).norm(p, -1, keepdim)


class PairwiseDistance(nn.Module):
    def __init__(self, p=2.0, eps=1e-6, keepdim=False):
        super().__init__()
        self.norm = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1, x2):
        return pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)


def _before_forward(module, name, weight):
    inner = module.forward

    def forward(*args, **kwargs):
        setattr(module, name, weight())
        return inner(*args, **kwargs)

    module.forward = forward
    return module


def _magnitudes(weight, dim):
    shape = [size if i == dim % weight.dim() else 1 for i, size in enumerate(weight.shape)] if dim is not None and dim != -1 else []
    count = weight.numel() // max(math.prod(shape), 1)
    return nn.Parameter(torch.full(shape, nasc_magnitude(weight) * math.sqrt(count)))


def _weight_normed(g, v, dim):
    if dim is None or dim == -1:
        return v * (g / v.norm())
    return v * (g / v.norm(2, [i for i in range(v.dim()) if i != dim], keepdim=True))


def weight_norm(module, name="weight", dim=0):
    weight = getattr(module, name)
    delattr(module, name)
    module.register_parameter(name + "_g", _magnitudes(weight, dim))
    module.register_parameter(name + "_v", weight)
    return _before_forward(module, name, lambda: _weight_normed(getattr(module, name + "_g"), getattr(module, name + "_v"), dim))


def _rows(module, weight, dim):
    if dim is None:
        dim = 1 if isinstance(module, (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)) else 0
    return dim


def _spectral_normed(weight, u, v, dim):
    matrix = weight.transpose(0, dim) if dim != 0 else weight
    matrix = matrix.flatten(1)
    return weight / (u * (matrix * v).sum(1)).sum()


def spectral_norm(module, name="weight", n_power_iterations=1, eps=1e-12, dim=None):
    weight = getattr(module, name)
    dim = _rows(module, weight, dim)
    delattr(module, name)
    module.register_parameter(name + "_orig", weight)
    height = weight.size(dim)
    module.register_buffer(name + "_u", torch.full((height,), height ** -0.5))
    width = weight.numel() // height
    module.register_buffer(name + "_v", torch.full((width,), width ** -0.5))
    return _before_forward(module, name, lambda: _spectral_normed(getattr(module, name + "_orig"), getattr(module, name + "_u"), getattr(module, name + "_v"), dim))


def remove_weight_norm(module, name="weight"):
    nasc_unsupported("remove_weight_norm")


def remove_spectral_norm(module, name="weight"):
    nasc_unsupported("remove_spectral_norm")


class _Parametrizations(nn.Module):
    pass


def _parametrized(module, name):
    if "parametrizations" not in [child for child, _ in module.named_children()]:
        module.parametrizations = _Parametrizations()
    holder = _Parametrizations()
    setattr(module.parametrizations, name, holder)
    return holder


def weight_norm_parametrized(module, name="weight", dim=0):
    weight = getattr(module, name)
    delattr(module, name)
    holder = _parametrized(module, name)
    holder.original0 = _magnitudes(weight, dim)
    holder.original1 = weight
    return _before_forward(module, name, lambda: _weight_normed(holder.original0, holder.original1, dim))


def spectral_norm_parametrized(module, name="weight", n_power_iterations=1, eps=1e-12, dim=None):
    weight = getattr(module, name)
    dim = _rows(module, weight, dim)
    delattr(module, name)
    holder = _parametrized(module, name)
    holder.original = weight
    if weight.dim() == 1:
        return _before_forward(module, name, lambda: F.normalize(holder.original, dim=0, eps=eps))
    state = _Parametrizations()
    holder.add_module("0", state)
    height = weight.size(dim)
    width = weight.numel() // height
    state.register_buffer("_u", torch.full((height,), height ** -0.5))
    state.register_buffer("_v", torch.full((width,), width ** -0.5))
    return _before_forward(module, name, lambda: _spectral_normed(holder.original, state._u, state._v, dim))
