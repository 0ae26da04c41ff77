def full_like(input, fill_value, *, dtype=None, layout=None, device=None, requires_grad=False, memory_format=None):
    return torch.zeros_like(input, dtype=dtype) + fill_value


def broadcast_to(input, *size):
    return input.expand(*size)


def broadcast_tensors(*tensors):
    total = tensors[0]
    for tensor in tensors[1:]:
        total = total + tensor
    return tuple(tensor.expand(total.shape) for tensor in tensors)


def _listed(dims):
    return [dims] if isinstance(dims, int) else list(dims)


def movedim(input, source, destination):
    rank = input.dim()
    source = [dim % rank for dim in _listed(source)]
    destination = [dim % rank for dim in _listed(destination)]
    assert len(source) == len(destination), "movedim: Invalid source or destination dims: source and destination must have the same number of dimensions"
    rest = [dim for dim in range(rank) if dim not in source]
    order = [None] * rank
    for i, dim in zip(destination, source):
        order[i] = dim
    for i in range(rank):
        if order[i] is None:
            order[i] = rest.pop(0)
    return input.permute(*order)


def moveaxis(input, source, destination):
    return movedim(input, source, destination)


def swapdims(input, dim0, dim1):
    return input.transpose(dim0, dim1)


def adjoint(input):
    return input.transpose(-2, -1)


def tile(input, *dims):
    dims = list(dims[0]) if len(dims) == 1 and isinstance(dims[0], (tuple, list)) else list(dims)
    return input.repeat(*([1] * (input.dim() - len(dims)) + dims))


def ravel(input):
    return input.reshape(-1)


def atleast_1d(input):
    return input.reshape(1) if input.dim() == 0 else input


def atleast_2d(input):
    input = atleast_1d(input)
    return input.unsqueeze(0) if input.dim() == 1 else input


def atleast_3d(input):
    input = atleast_2d(input)
    return input.unsqueeze(-1) if input.dim() == 2 else input


def concatenate(tensors, dim=0, *, out=None):
    return torch.cat(tensors, dim)


def hstack(tensors):
    tensors = [atleast_1d(tensor) for tensor in tensors]
    return torch.cat(tensors, 0 if tensors[0].dim() == 1 else 1)


def vstack(tensors):
    return torch.cat([atleast_2d(tensor) for tensor in tensors], 0)


def row_stack(tensors):
    return vstack(tensors)


def dstack(tensors):
    return torch.cat([atleast_3d(tensor) for tensor in tensors], 2)


def column_stack(tensors):
    tensors = [atleast_1d(tensor) for tensor in tensors]
    return torch.cat([t.unsqueeze(1) if t.dim() == 1 else t for t in tensors], 1)


def select(input, dim, index):
    size = input.shape[dim]
    start = index + size if index < 0 else index
    return input.narrow(dim, start, 1).squeeze(dim)


def split_with_sizes(input, split_sizes, dim=0):
    return torch.split(input, split_sizes, dim)


def tensor_split(input, indices_or_sections, dim=0):
    size = input.shape[dim]
    if isinstance(indices_or_sections, int):
        base, more = divmod(size, indices_or_sections)
        sizes = [base + 1] * more + [base] * (indices_or_sections - more)
        return torch.split(input, sizes, dim)
    bounds = [0] + [min(max(i + size if i < 0 else i, 0), size) for i in indices_or_sections] + [size]
    return tuple(input.narrow(dim, start, max(end - start, 0)) for start, end in zip(bounds, bounds[1:]))


def fliplr(input):
    return input.flip(1)


def flipud(input):
    return input.flip(0)


def take_along_dim(input, indices, dim=None):
    if dim is None:
        return torch.gather(input.reshape(-1), 0, indices.reshape(-1))
    return torch.gather(input, dim, indices)


def diagonal(input, offset=0, dim1=0, dim2=1):
    x = movedim(input, (dim1, dim2), (-2, -1))
    rows, columns = x.shape[-2], x.shape[-1]
    length = min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns)
    start = torch.arange(length)
    positions = (start - min(offset, 0)) * columns + start + max(offset, 0)
    return x.flatten(-2)[..., positions]


def diag(input, diagonal=0):
    return diag_embed(input, diagonal) if input.dim() == 1 else torch.diagonal(input, diagonal)


def diag_embed(input, offset=0, dim1=-2, dim2=-1):
    size = input.shape[-1] + abs(offset)
    rows = torch.arange(size).reshape(-1, 1)
    columns = torch.arange(size)
    mask = (columns - rows == offset).float()
    line = F.pad(input, (max(offset, 0), max(-offset, 0)))
    return movedim(line.unsqueeze(-2) * mask, (-2, -1), (dim1, dim2))


def trace(input):
    return torch.diagonal(input).sum()


def tensordot(a, b, dims=2, out=None):
    if isinstance(dims, int):
        left = list(range(a.dim() - dims, a.dim()))
        right = list(range(dims))
    else:
        left = [dim % a.dim() for dim in _listed(dims[0])]
        right = [dim % b.dim() for dim in _listed(dims[1])]
    for i, j in zip(left, right):
        if a.shape[i] != b.shape[j]:
            raise RuntimeError(f"contracted dimensions need to match, but first has size {a.shape[i]} in dim {i} and second has size {b.shape[j]} in dim {j}")
    kept_a = [dim for dim in range(a.dim()) if dim not in left]
    kept_b = [dim for dim in range(b.dim()) if dim not in right]
    inner = 1
    for dim in left:
        inner = inner * a.shape[dim]
    shape = [a.shape[dim] for dim in kept_a] + [b.shape[dim] for dim in kept_b]
    x = a.permute(*(kept_a + left)).reshape(-1, inner)
    y = b.permute(*(right + kept_b)).reshape(inner, -1)
    return torch.mm(x, y).reshape(shape)


def inner(input, other):
    if input.dim() == 0 or other.dim() == 0:
        return input * other
    return tensordot(input, other, dims=([-1], [-1]))


def dot(input, tensor):
    assert input.dim() == 1 and tensor.dim() == 1, f"1D tensors expected, but got {input.dim()}D and {tensor.dim()}D tensors"
    return (input * tensor).sum()


def mv(input, vec):
    assert input.dim() == 2 and vec.dim() == 1, f"vector + matrix @ vector expected, got {vec.dim()}, {input.dim()}, {vec.dim()}"
    return torch.matmul(input, vec)


def addmv(input, mat, vec, *, beta=1, alpha=1):
    return input * beta + mv(mat, vec) * alpha


def addbmm(input, batch1, batch2, *, beta=1, alpha=1):
    return input * beta + torch.bmm(batch1, batch2).sum(0) * alpha


def addr(input, vec1, vec2, *, beta=1, alpha=1):
    return input * beta + torch.outer(vec1, vec2) * alpha


def ger(input, vec2):
    return torch.outer(input, vec2)


def chain_matmul(*matrices):
    product = matrices[0]
    for matrix in matrices[1:]:
        product = torch.mm(product, matrix)
    return product


def cross(input, other, *, dim=-1):
    a = [select(input, dim, i) for i in range(3)]
    b = [select(other, dim, i) for i in range(3)]
    parts = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
    return torch.stack(parts, dim)


def var_mean(input, dim=None, unbiased=None, keepdim=False, *, correction=None):
    spread = torch.var(input, dim, unbiased, keepdim, correction=correction)
    return spread, torch.mean(input, dim, keepdim)


def std_mean(input, dim=None, unbiased=None, keepdim=False, *, correction=None):
    spread = torch.std(input, dim, unbiased, keepdim, correction=correction)
    return spread, torch.mean(input, dim, keepdim)


def aminmax(input, *, dim=None, keepdim=False):
    return torch.amin(input, dim, keepdim), torch.amax(input, dim, keepdim)


def dist(input, other, p=2):
    return torch.norm(input - other, p)


def count_nonzero(input, dim=None):
    return (input != 0).long().sum(dim)


def kthvalue(input, k, dim=-1, keepdim=False):
    values, positions = torch.sort(input, dim)
    values, positions = values.narrow(dim, k - 1, 1), positions.narrow(dim, k - 1, 1)
    return (values, positions) if keepdim else (values.squeeze(dim), positions.squeeze(dim))


def median(input, dim=None, keepdim=False):
    if dim is None:
        flat = input.reshape(-1)
        return kthvalue(flat, (flat.shape[0] + 1) // 2, 0)[0]
    return kthvalue(input, (input.shape[dim] + 1) // 2, dim, keepdim)


def msort(input):
    return torch.sort(input, 0)[0]


def clamp_min(input, min):
    return torch.clamp(input, min=min)


def clamp_max(input, max):
    return torch.clamp(input, max=max)


def subtract(input, other, *, alpha=1):
    return torch.sub(input, other, alpha=alpha)


def true_divide(input, other):
    return torch.div(input, other)


def negative(input):
    return torch.neg(input)


def positive(input):
    return input


def absolute(input):
    return torch.abs(input)


def sgn(input):
    return torch.sign(input)


def trunc(input):
    return torch.sign(input) * torch.floor(torch.abs(input))


def fix(input):
    return trunc(input)


def frac(input):
    return input - trunc(input)


def remainder(input, other):
    return input - torch.floor(input / other) * other


def fmod(input, other):
    return input - trunc(input / other) * other


def log10(input):
    return torch.log(input) * 0.4342944819032518


def exp2(input):
    return torch.exp(input * 0.6931471805599453)


def erfc(input):
    return 1 - torch.erf(input)


def sinh(input):
    return (torch.exp(input) - torch.exp(-input)) * 0.5


def cosh(input):
    return (torch.exp(input) + torch.exp(-input)) * 0.5


def asinh(input):
    return torch.sign(input) * torch.log(torch.abs(input) + torch.sqrt(input * input + 1))


def acosh(input):
    return torch.log(input + torch.sqrt(input * input - 1))


def atanh(input):
    return 0.5 * (torch.log1p(input) - torch.log1p(-input))


def logit(input, eps=None):
    x = input if eps is None else torch.clamp(input, eps, 1 - eps)
    return torch.log(x / (1 - x))


def logaddexp(input, other):
    high = torch.maximum(input, other)
    return high + torch.log1p(torch.exp(-torch.abs(input - other)))


def hypot(input, other):
    return torch.sqrt(input * input + other * other)


def xlogy(input, other):
    return torch.where(input == 0, torch.zeros_like(input), input * torch.log(other))


def deg2rad(input):
    return input * 0.017453292519943295


def rad2deg(input):
    return input * 57.29577951308232


def gt(input, other):
    return input > other


def greater(input, other):
    return input > other


def ge(input, other):
    return input >= other


def greater_equal(input, other):
    return input >= other


def lt(input, other):
    return input < other


def less(input, other):
    return input < other


def le(input, other):
    return input <= other


def less_equal(input, other):
    return input <= other


def eq(input, other):
    return input == other


def ne(input, other):
    return input != other


def not_equal(input, other):
    return input != other


def logical_and(input, other):
    return torch.minimum((input != 0).float(), (other != 0).float()) != 0


def logical_or(input, other):
    return torch.maximum((input != 0).float(), (other != 0).float()) != 0


def logical_xor(input, other):
    return (input != 0).float() != (other != 0).float()


def isnan(input):
    return input != input


def isinf(input):
    return torch.abs(input) == float("inf")


def isfinite(input):
    return torch.abs(input) < float("inf")


def nan_to_num(input, nan=0.0, posinf=None, neginf=None):
    high = 3.4028234663852886e38 if posinf is None else posinf
    low = -3.4028234663852886e38 if neginf is None else neginf
    x = torch.where(input != input, torch.zeros_like(input) + nan, input)
    x = torch.where(x == float("inf"), torch.zeros_like(input) + high, x)
    return torch.where(x == -float("inf"), torch.zeros_like(input) + low, x)


def threshold(input, threshold, value, inplace=False):
    return torch.where(input > threshold, input, torch.zeros_like(input) + value)


def hardshrink(input, lambd=0.5):
    return torch.where(torch.abs(input) > lambd, input, torch.zeros_like(input))


def softshrink(input, lambd=0.5):
    return torch.sign(input) * torch.clamp(torch.abs(input) - lambd, min=0)


def tanhshrink(input):
    return input - torch.tanh(input)


def softmin(input, dim=None, _stacklevel=3, dtype=None):
    return F.softmax(-input, dim)


def gumbel_softmax(logits, tau=1, hard=False, eps=1e-10, dim=-1):
    gumbels = -torch.log(-torch.log(torch.rand_like(logits) * (1 - 2e-7) + 1e-7))
    y_soft = F.softmax((logits + gumbels) / tau, dim)
    if not hard:
        return y_soft
    top = (y_soft == torch.amax(y_soft, dim, True)).float()
    return top - y_soft.detach() + y_soft


def affine_grid(theta, size, align_corners=None):
    n, h, w = size[0], size[-2], size[-1]
    assert len(size) == 4 and theta.dim() == 3 and theta.shape[1] == 2 and theta.shape[2] == 3, f"Expected a batch of 2D affine matrices of shape Nx2x3 for size {tuple(size)}. Got {tuple(theta.shape)}."
    x, y = torch.linspace(-1, 1, w), torch.linspace(-1, 1, h)
    if not align_corners:
        x, y = x * (w - 1) / w, y * (h - 1) / h
    x, y = x.reshape(1, 1, w, 1), y.reshape(1, h, 1, 1)
    t = theta.reshape(-1, 1, 1, 2, 3)
    return t[..., 0] * x + t[..., 1] * y + t[..., 2]


def _unnormalised(place, size, align_corners):
    if align_corners:
        return (place + 1) * ((size - 1) / 2)
    return ((place + 1) * size - 1) / 2


def _reflected(place, low, high):
    span = high - low
    if span == 0:
        return place * 0
    distance = torch.abs(place - low)
    turns = torch.floor(distance / span)
    extra = distance - turns * span
    odd = turns - torch.floor(turns / 2) * 2
    return torch.where(odd == 0, extra + low, high - extra)


def _placed(place, size, padding_mode, align_corners):
    x = _unnormalised(place, size, align_corners)
    if padding_mode == "reflection":
        low, high = (0, size - 1) if align_corners else (-0.5, size - 0.5)
        x = _reflected(x, low, high)
    if padding_mode != "zeros":
        x = torch.clamp(x, 0, size - 1)
    return x


def grid_sample(input, grid, mode="bilinear", padding_mode="zeros", align_corners=None):
    assert input.dim() == 4 and grid.dim() == 4 and grid.shape[-1] == 2, f"grid_sample(): expected 4D input and a grid of shape N x H x W x 2, but got input of shape {tuple(input.shape)} and grid of shape {tuple(grid.shape)}"
    if mode == "bicubic":
        nasc_unsupported("grid_sample with mode='bicubic'")
    n, c, h, w = input.shape
    rows, columns = grid.shape[1], grid.shape[2]
    x = _placed(grid[..., 0], w, padding_mode, align_corners)
    y = _placed(grid[..., 1], h, padding_mode, align_corners)
    flat = input.flatten(2)

    def at(row, column):
        inside = ((row >= 0).float() * (row <= h - 1).float() * (column >= 0).float() * (column <= w - 1).float())
        index = torch.clamp(row, 0, h - 1) * w + torch.clamp(column, 0, w - 1)
        index = index.long().reshape(-1, 1, rows * columns).expand(-1, c, rows * columns)
        values = torch.gather(flat, 2, index).reshape(-1, c, rows, columns)
        return values * inside.unsqueeze(1)

    if mode == "nearest":
        return at(torch.round(y), torch.round(x))
    left, top = torch.floor(x), torch.floor(y)
    right, bottom = x - left, y - top
    parts = [
        (at(top, left), (1 - bottom) * (1 - right)),
        (at(top, left + 1), (1 - bottom) * right),
        (at(top + 1, left), bottom * (1 - right)),
        (at(top + 1, left + 1), bottom * right),
    ]
    total = parts[0][0] * parts[0][1].unsqueeze(1)
    for values, weight in parts[1:]:
        total = total + values * weight.unsqueeze(1)
    return total


class SyncBatchNorm(nn.BatchNorm2d):
    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True, process_group=None, device=None, dtype=None):
        super().__init__(num_features, eps, momentum, affine, track_running_stats)

    @classmethod
    def convert_sync_batchnorm(cls, module, process_group=None):
        return module


class Hardshrink(nn.Module):
    def __init__(self, lambd=0.5):
        super().__init__()
        self.lambd = lambd

    def forward(self, input):
        return hardshrink(input, self.lambd)


class Softshrink(nn.Module):
    def __init__(self, lambd=0.5):
        super().__init__()
        self.lambd = lambd

    def forward(self, input):
        return softshrink(input, self.lambd)


class Tanhshrink(nn.Module):
    def forward(self, input):
        return tanhshrink(input)


class Threshold(nn.Module):
    def __init__(self, threshold, value, inplace=False):
        super().__init__()
        self.threshold = threshold
        self.value = value

    def forward(self, input):
        return threshold(input, self.threshold, self.value)


class Softmin(nn.Module):
    def __init__(self, dim=None):
        super().__init__()
        self.dim = dim

    def forward(self, input):
        return softmin(input, self.dim)


class EmbeddingBag(nn.Module):
    def __init__(self, num_embeddings, embedding_dim, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, mode="mean", sparse=False, _weight=None, include_last_offset=False, padding_idx=None, device=None, dtype=None):
        super().__init__()
        self.mode = mode
        self.padding_idx = padding_idx
        self.weight = nn.Parameter(torch.randn(num_embeddings, embedding_dim))

    def forward(self, input, offsets=None, per_sample_weights=None):
        if offsets is not None or input.dim() != 2 or self.padding_idx is not None:
            nasc_unsupported("EmbeddingBag with offsets or padding_idx; give it bags of one length")
        x = F.embedding(input, self.weight)
        if per_sample_weights is not None:
            x = x * per_sample_weights.unsqueeze(-1)
        if self.mode == "max":
            return torch.amax(x, 1)
        return x.sum(1) if self.mode == "sum" else x.mean(1)


def _reduced(loss, reduction):
    if reduction == "none":
        return loss
    return loss.sum() if reduction == "sum" else loss.mean()


def mse_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    return _reduced((input - target) * (input - target), reduction)


def l1_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    return _reduced(torch.abs(input - target), reduction)


def smooth_l1_loss(input, target, size_average=None, reduce=None, reduction="mean", beta=1.0):
    d = torch.abs(input - target)
    return _reduced(torch.where(d < beta, d * d * (0.5 / beta), d - 0.5 * beta), reduction)


def huber_loss(input, target, reduction="mean", delta=1.0):
    d = torch.abs(input - target)
    return _reduced(torch.where(d < delta, d * d * 0.5, (d - 0.5 * delta) * delta), reduction)


def binary_cross_entropy(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    loss = -(target * torch.clamp(torch.log(input), min=-100) + (1 - target) * torch.clamp(torch.log(1 - input), min=-100))
    return _reduced(loss if weight is None else loss * weight, reduction)


def binary_cross_entropy_with_logits(input, target, weight=None, size_average=None, reduce=None, reduction="mean", pos_weight=None):
    scale = 1 if pos_weight is None else (pos_weight - 1) * target + 1
    loss = (1 - target) * input - scale * F.logsigmoid(input)
    return _reduced(loss if weight is None else loss * weight, reduction)


def nll_loss(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean"):
    if weight is not None:
        nasc_unsupported("nll_loss with weights of classes")
    return _reduced(-torch.gather(input, 1, target.unsqueeze(1)).squeeze(1), reduction)


def cross_entropy(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean", label_smoothing=0.0):
    if weight is not None:
        nasc_unsupported("cross_entropy with weights of classes")
    dim = 0 if input.dim() == 1 else 1
    logs = F.log_softmax(input, dim)
    if target.dim() == input.dim():
        loss = -(logs * target).sum(dim)
    else:
        loss = -torch.gather(logs, dim, target.unsqueeze(dim)).squeeze(dim)
    if label_smoothing > 0:
        loss = loss * (1 - label_smoothing) - logs.mean(dim) * label_smoothing
    return _reduced(loss, reduction)


def kl_div(input, target, size_average=None, reduce=None, reduction="mean", log_target=False):
    loss = torch.exp(target) * (target - input) if log_target else xlogy(target, target) - target * input
    return loss.sum() / input.shape[0] if reduction == "batchmean" else _reduced(loss, reduction)


class _Loss(nn.Module):
    def __init__(self, *args, **kwargs):
        super().__init__()
        self.reduction = kwargs.pop("reduction", "mean")
        self.options = kwargs


class MSELoss(_Loss):
    def forward(self, input, target):
        return mse_loss(input, target, reduction=self.reduction)


class L1Loss(_Loss):
    def forward(self, input, target):
        return l1_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(_Loss):
    def forward(self, input, target):
        return smooth_l1_loss(input, target, reduction=self.reduction, **self.options)


class HuberLoss(_Loss):
    def forward(self, input, target):
        return huber_loss(input, target, reduction=self.reduction, **self.options)


class BCELoss(_Loss):
    def forward(self, input, target):
        return binary_cross_entropy(input, target, reduction=self.reduction, **self.options)


class BCEWithLogitsLoss(_Loss):
    def forward(self, input, target):
        return binary_cross_entropy_with_logits(input, target, reduction=self.reduction, **self.options)


class NLLLoss(_Loss):
    def forward(self, input, target):
        return nll_loss(input, target, reduction=self.reduction, **self.options)


class CrossEntropyLoss(_Loss):
    def forward(self, input, target):
        return cross_entropy(input, target, reduction=self.reduction, **self.options)


class KLDivLoss(_Loss):
    def forward(self, input, target):
        return kl_div(input, target, reduction=self.reduction, **self.options)


def conv1d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return F.conv1d(input, weight, bias, stride, padding, dilation, groups)


def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return F.conv2d(input, weight, bias, stride, padding, dilation, groups)


def conv3d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return F.conv3d(input, weight, bias, stride, padding, dilation, groups)


def dropout(input, p, train):
    return F.dropout(input, p, train)


def embedding(weight, indices, padding_idx=-1, scale_grad_by_freq=False, sparse=False):
    return F.embedding(indices, weight)


def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5, cudnn_enable=True):
    return F.layer_norm(input, normalized_shape, weight, bias, eps)


def group_norm(input, num_groups, weight=None, bias=None, eps=1e-5, cudnn_enabled=True):
    return F.group_norm(input, num_groups, weight, bias, eps)


def rms_norm(input, normalized_shape, weight=None, eps=None):
    return F.rms_norm(input, normalized_shape, weight, eps)


def prelu(input, weight):
    if weight.numel() > 1 and input.dim() > 2:
        weight = weight.reshape([1, -1] + [1] * (input.dim() - 2))
    return torch.clamp(input, min=0) + weight * torch.clamp(input, max=0)


def instance_norm(input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1, eps=1e-5):
    if running_mean is not None or not use_input_stats:
        nasc_unsupported("instance_norm with running statistics")
    return F.group_norm(input, input.shape[1], weight, bias, eps)


def index_add(input, dim, index, source, *, alpha=1):
    shape = [1] * input.dim()
    shape[dim] = -1
    return torch.scatter_add(input, dim, index.reshape(shape).expand(source.shape), source * alpha)


def index_copy(input, dim, index, source):
    shape = [1] * input.dim()
    shape[dim] = -1
    return torch.scatter(input, dim, index.reshape(shape).expand(source.shape), source)


def index_fill(input, dim, index, value):
    shape = [1] * input.dim()
    shape[dim] = -1
    sizes = list(input.shape)
    sizes[dim] = index.shape[0]
    return torch.scatter(input, dim, index.reshape(shape).expand(*sizes), value)


def selu(input):
    return F.selu(input)


def celu(input, alpha=1.0):
    return F.celu(input, alpha)


def pixel_shuffle(input, upscale_factor):
    return F.pixel_shuffle(input, upscale_factor)


def adaptive_avg_pool1d(input, output_size):
    return F.adaptive_avg_pool1d(input, output_size)


def avg_pool1d(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    return F.avg_pool1d(input, kernel_size, stride, padding, ceil_mode, count_include_pad)


def max_pool1d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    return F.max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool2d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    return F.max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool3d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    return F.max_pool3d(input, kernel_size, stride, padding, dilation, ceil_mode)


class _Lazy(nn.Module):
    def __init__(self, index, make, dim):
        super().__init__()
        self.index = index
        self.make = make
        self.dim = dim
        self.made = []

    def forward(self, input, *args):
        if not self.made:
            width = input.shape[self.dim]
            nasc_lazy_note(self.index, width)
            self.made = [self.make(width)]
        return self.made[0](input, *args)


def _lazy(make, dim):
    index, width = nasc_lazy_next()
    return _Lazy(index, make, dim) if width is None else make(width)


def LazyLinear(out_features, bias=True, device=None, dtype=None):
    return _lazy(lambda width: nn.Linear(width, out_features, bias), -1)


def LazyConv1d(out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True, padding_mode="zeros", device=None, dtype=None):
    return _lazy(lambda width: nn.Conv1d(width, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode), -2)


def LazyConvTranspose1d(out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1, bias=True, dilation=1, padding_mode="zeros", device=None, dtype=None):
    return _lazy(lambda width: nn.ConvTranspose1d(width, out_channels, kernel_size, stride, padding, output_padding, groups, bias, dilation, padding_mode), -2)


def LazyBatchNorm1d(eps=1e-5, momentum=0.1, affine=True, track_running_stats=True, device=None, dtype=None):
    return _lazy(lambda width: nn.BatchNorm1d(width, eps, momentum, affine, track_running_stats), 1)


def LazyInstanceNorm1d(eps=1e-5, momentum=0.1, affine=True, track_running_stats=True, device=None, dtype=None):
    return _lazy(lambda width: nn.InstanceNorm1d(width, eps, momentum, affine, track_running_stats), -2)


def LazyConv2d(out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True, padding_mode="zeros", device=None, dtype=None):
    return _lazy(lambda width: nn.Conv2d(width, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode), -3)


def LazyConvTranspose2d(out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1, bias=True, dilation=1, padding_mode="zeros", device=None, dtype=None):
    return _lazy(lambda width: nn.ConvTranspose2d(width, out_channels, kernel_size, stride, padding, output_padding, groups, bias, dilation, padding_mode), -3)


def LazyBatchNorm2d(eps=1e-5, momentum=0.1, affine=True, track_running_stats=True, device=None, dtype=None):
    return _lazy(lambda width: nn.BatchNorm2d(width, eps, momentum, affine, track_running_stats), 1)


def LazyInstanceNorm2d(eps=1e-5, momentum=0.1, affine=True, track_running_stats=True, device=None, dtype=None):
    return _lazy(lambda width: nn.InstanceNorm2d(width, eps, momentum, affine, track_running_stats), -3)


def LazyConv3d(out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True, padding_mode="zeros", device=None, dtype=None):
    return _lazy(lambda width: nn.Conv3d(width, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode), -4)


def LazyConvTranspose3d(out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1, bias=True, dilation=1, padding_mode="zeros", device=None, dtype=None):
    return _lazy(lambda width: nn.ConvTranspose3d(width, out_channels, kernel_size, stride, padding, output_padding, groups, bias, dilation, padding_mode), -4)


def LazyBatchNorm3d(eps=1e-5, momentum=0.1, affine=True, track_running_stats=True, device=None, dtype=None):
    return _lazy(lambda width: nn.BatchNorm3d(width, eps, momentum, affine, track_running_stats), 1)


def LazyInstanceNorm3d(eps=1e-5, momentum=0.1, affine=True, track_running_stats=True, device=None, dtype=None):
    return _lazy(lambda width: nn.InstanceNorm3d(width, eps, momentum, affine, track_running_stats), -4)
