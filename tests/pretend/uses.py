"""Every public helper, used on tensors of the course's device.

What each function here returns must be the same on every device, so every number is one that
every device computes exactly.
"""

import torch
from torch.utils.checkpoint import checkpoint

from lecture_helpers import (
    choose_device,
    compare_graphs,
    compare_speed,
    device,
    expect_error,
    grad_history,
    grad_table,
    plot_losses,
    plot_path,
    predict,
    press,
    progress_bar,
    raised_by,
    record_backward,
    reset_progress,
    saved_memory,
    show_graph,
    show_picture,
    show_progress,
    tracking_map,
    use_text,
    watch_backward,
    what_if,
)
from lecture_helpers.draw import bundle

HOW = {"use_reentrant": False, "preserve_rng_state": False}  # CUDA's state is memory, too
USES = []
PEAKS = {}  # the peaks of memory that helpers read, which differ from device to device


def use(function):
    USES.append(function)
    return function


def leaf(*values):
    data = values[0] if len(values) == 1 else list(values)
    return torch.tensor(data, device=device, requires_grad=True)


def small_net():
    layers = [torch.nn.Linear(2, size, device=device) for size in (2, 1)]
    net = torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1])
    with torch.no_grad():
        for count, parameter in enumerate(net.parameters()):
            parameter.fill_(0.5 - 0.25 * count)
    return net


@use
def the_device():
    on_it = torch.ones(1, device=device)
    return [choose_device() == device, show_graph(on_it), on_it]


@use
def graphs():
    net, x = small_net(), torch.tensor([[1.0, 2.0]], device=device)
    loss = net(x).pow(2).mean()
    loss.backward(retain_graph=True)
    y = leaf(1.0, 2.0, 3.0)
    h = 2 * y
    h.register_hook(lambda gradient: None)
    h.retain_grad()
    tail = h[1:]
    tail += 1
    return {
        "plain": show_graph(loss, net),
        "saved and grad": show_graph(loss, net, saved=True, grad=True),
        "in place, a view, a hook": show_graph(tail.sum(), saved=True),
        "is on": [loss.device, *(parameter.device for parameter in net.parameters())],
    }


@use
def after_backward():
    x = leaf(1.0, 2.0)
    y = (x * x).sum()
    y.backward()
    with expect_error(RuntimeError, "backward through the graph a second time"):
        y.backward()
    return show_graph(y, saved=True, grad=True)


@use
def folded():
    state = x = leaf(1.0)
    for _ in range(60):
        state = state * x
    return show_graph(state)


@use
def compared():
    x = leaf(2.0)
    return compare_graphs((x * 2) * 3, (x * 2) + 3)


@use
def tables():
    x, w, unused = leaf(1.0, 2.0), leaf(3.0, -1.0), leaf(0.0)
    loss = (x * w).sum()
    loss.backward()
    return [grad_table(x, w, unused, loss), grad_table(small_net())]


@use
def backward():
    x, w = leaf(1.0, 2.0), leaf(3.0, -1.0)
    h = x * w
    loss = (h * h).sum() + h.mean()
    record = record_backward(loss, retain_graph=True)
    aside = record_backward(loss, accumulate=False, whole=True)
    large = torch.ones(10_201, device=device, requires_grad=True)
    summary = record_backward((large * 2).sum(), accumulate=False).gradient(large)
    part = record.parts(record.steps[0].node.id)
    return [record, aside, record.gradient(h), record.gradient(x), x.grad, summary, part]


@use
def rules():
    """One backward through many kinds of rules, whose lines are computed from saved tensors."""
    x, a = leaf(1.0, -2.0, 4.0), leaf([[2.0, 3.0], [1.0, 4.0]])
    two = x[:2]
    loss = (
        (a @ two).sum() + x.relu().sum() + x.abs().max() + (two**2 / 2).mean()
        + torch.where(x > 0, x, -x).sum() + x.clamp(min=0.0).prod() + a.T.reshape(4).cumsum(0).sum()
        + (2.0**two).sum() + (a**two).sum() + x.split([1, 2])[1].sum() + torch.cat([x, two])[1]
    )  # fmt: skip
    return str(record_backward(loss))


@use
def memory():
    net, x = small_net(), torch.tensor([[1.0, 2.0], [3.0, 4.0]], device=device)
    loss = net(x).pow(2).mean()
    read = saved_memory(loss)
    with saved_memory() as watched:
        h = checkpoint(lambda a: a.exp().sin(), x * leaf(2.0), **HOW)
        kept = net(h.detach()).relu()
        (2 * kept).sum().backward()
    PEAKS["a graph"], PEAKS["a block"] = read.peak_bytes, watched.peak_bytes
    loss.backward()
    return [read, watched, watched.alive, saved_memory(loss, inputs=x)]


class KeepsOnCtx(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.doubled = x * 2
        return x * 3

    @staticmethod
    def backward(ctx, gradient):
        return gradient * ctx.doubled


@use
def memory_on_ctx():
    return saved_memory(KeepsOnCtx.apply(leaf(1.0, 2.0)).sum())


@use
def overwritten():
    x = leaf(1.0, 4.0)
    y = x.sqrt()
    part = y[1:]
    part += 1
    loss = y.sum()
    with expect_error(RuntimeError, "modified by an inplace operation"):
        loss.backward()
    return [show_graph(loss, saved=True), grad_table(x, y, loss, version=True)]


@use
def tracked():
    x = leaf(1.0, 2.0)
    with tracking_map() as lines:
        h = 3 * x
        with torch.no_grad():
            kept = h + 1
        whole = h.long() + kept.detach().long()
        loss = (h * h).sum() + h.exp().detach().sum() * 0
        h.data.mul_(2)
        h += whole
    return [lines, lines.made(loss.grad_fn), show_graph(loss, saved=True, lines=lines)]


@use
def tracked_with_a_backward():
    x, seen = leaf(1.0, 2.0), []
    with tracking_map() as lines:
        h = x * x
        h.register_hook(lambda gradient: seen.append(gradient * 2))
        h.sum().backward()
    return [lines, seen]


@use
def speed():
    """Times differ from run to run, so only the words are compared that stand beside the chart."""
    x = leaf(1.0, 2.0)

    def grow():
        return torch.ones(1000, device=device) + torch.ones(1000, device=device)

    timing = compare_speed({"track": lambda: x * 2, "grow": grow}, seconds=0.2)
    PEAKS["three times 4,000 bytes"] = timing.rows[1].peak_bytes
    return bundle(timing)["text/plain"]


@use
def history():
    w = leaf(2.0)
    with grad_history(w) as made:
        (3 * w).backward()
        (4 * w).backward()
        w.grad = None
        (5 * w).backward()
        w.grad.zero_()
    return made


@use
def stepper():
    x = leaf(2.0)
    u = 3 * x
    watched = watch_backward((u + 1) * u**2)
    pages = []
    for position in range(len(watched.record.steps) + 1):
        watched.step_to(position)
        pages.append(watched._page.value)
    return [watched, pages, x.grad]


@use
def sliders():
    lab = what_if(lambda x, w: (w * x - 1) ** 2 if x > 1 else w - x, x=(0, 3, 2), w=(-1, 1, 0.5))
    before = [lab.sentence, lab.graph, lab.table, lab.plot]
    lab._sliders["x"].value = 1.0
    lab._boxes["w"].value = False
    return [*before, lab]


@use
def the_random_numbers_of_the_device_are_put_back():
    torch.manual_seed(3)
    wanted = [torch.rand(1, device=device).item() for _ in range(2)]
    torch.manual_seed(3)
    what_if(lambda x: x + 0 * torch.rand(1, device=x.device).sum(), x=(0, 1, 0.5))
    return torch.rand(1, device=device).item() == wanted[1]  # the shown result drew the first


@use
def buttons():
    w = leaf(2.0)
    lab = press(lambda: grad_table(w), backward=lambda: (3 * w).backward())
    for _ in range(2):
        lab._buttons["backward"].click()
    x = leaf(1.0, 2.0)
    weighed = press(lambda: saved_memory((x * x).sum()), nothing=int)
    return [lab, lab.shown, weighed]


@use
def a_training():
    x, y = torch.tensor([0.0, 1.0], device=device), torch.tensor([1.0, 3.0], device=device)
    w, b, losses, points = leaf(0.0), leaf(0.0), [], [(0.0, 0.0)]

    def loss_of(w, b):
        return ((w * x + b - y) ** 2).mean()

    for _ in progress_bar(range(3), "steps"):
        loss = loss_of(w, b)
        w.grad = b.grad = None
        loss.backward()
        with torch.no_grad():
            w -= 0.25 * w.grad
            b -= 0.25 * b.grad
        losses.append(loss)
        points.append((w.item(), b))
    line = plot_path(lambda w: loss_of(w, 1.0), [0.0, w], w=(-1, 3))
    surface = plot_path(loss_of, points, w=(-1, 3), b=(-1, 3))
    return [plot_losses({"by hand": losses}), plot_losses(losses, log=True), surface, line]


@use
def questions():
    x = leaf(2.0)
    (3 * x).backward()
    twice, names = 2 * x, ["x", "x.grad", "twice"]
    values = dict(zip(names, [x, x.grad, twice]))
    asked = [
        (predict("What is x.grad?", [2.0, 3.0]), 3.0, x.grad.item()),
        (predict("What is x.grad?"), 3, x.grad),
        (predict("Which are leaves?", names, kind="several"), ["x", "x.grad"],
         [name for name in names if values[name].is_leaf]),
        (predict("Which is least?", names, kind="order"), ["x", "x.grad", "twice"],
         sorted(names, key=values.get)),
        (predict("x is a leaf.", kind="true or false"), True, x.is_leaf),
        (predict("What does it raise?", kind="raises"), RuntimeError, raised_by(x.grad.backward)),
    ]  # fmt: skip
    for question, answer, computed in asked:
        question.compare(computed)
        question.commit(answer)
    return [[question, question._said.value] for question, *_ in asked]


@use
def answers_kept():
    x = leaf(2.0)
    question = predict("What is 3x?", section="U.1")
    question.compare(3 * x)
    summary, told = show_progress("U"), []
    for answer in (7, 6):
        question.commit(answer)
        told.append([summary.sentence, str(summary)])
    reset_progress("U")
    return [told, summary, question.answer]


@use
def text_and_pictures():
    x = leaf(2.0)
    use_text()
    try:
        words = bundle(show_graph(x * 2))
    finally:
        use_text(False)
    return [words, show_picture("grad_fields")]
