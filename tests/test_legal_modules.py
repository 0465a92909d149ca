"""show_graph draws every legal graph: what the modules of torch.nn make."""

import pytest
import torch
import torch.nn.functional as F
from sound import assert_drawn, operations, outputs_used, the
from torch import nn

from lecture_helpers import show_graph


def leaves(graph):
    return {node.name: node.shape for node in graph.nodes if node.is_leaf}


def parameters(module):
    return {name: tuple(held.shape) for name, held in module.named_parameters()}


def drawn(module, *outputs, unrecorded=""):
    """Draw, compare with the engine, and require that every parameter is a leaf, once."""
    graph = show_graph(outputs, module)
    assert_drawn(graph, *outputs, unrecorded=unrecorded)
    assert leaves(graph) == parameters(module)
    assert sum(node.is_leaf for node in graph.nodes) == len(parameters(module))
    return graph


def test_convolution_batch_norm_relu_and_pooling():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2))
    graph = drawn(net, net(torch.rand(2, 1, 8, 8)))
    convolution, norm, relu, pool = [node for node in graph.nodes if not node.is_leaf]
    assert (convolution.grad_fn, convolution.shape) == ("ConvolutionBackward0", (2, 2, 6, 6))
    assert convolution.untracked == (0,)  # the picture
    assert "BatchNorm" in norm.grad_fn and norm.untracked == ()
    assert (relu.grad_fn, pool.shape) == ("ReluBackward0", (2, 2, 3, 3))
    assert ">max_pool2d_with_indices</text>" in graph.to_svg()


@pytest.mark.parametrize("layer", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("layers", [1, 2])
def test_recurrent_layers(layer, layers):
    net = layer(3, 4, layers)
    out, state = net(torch.rand(5, 2, 3))
    states = state if isinstance(state, tuple) else (state,)
    graph = drawn(net, out, *states)
    shapes = [tuple(tensor.shape) for tensor in (out, *states)]
    assert [output.shape for output in graph.outputs] == shapes
    assert shapes[0] == (5, 2, 4)
    assert len(leaves(graph)) == 4 * layers


def test_multi_head_attention():
    net = nn.MultiheadAttention(4, 2, batch_first=True)
    x = torch.rand(2, 5, 4, requires_grad=True)
    out, weights = net(x, x, x)
    graph = show_graph(out, weights)
    assert_drawn(graph, out, weights)
    assert leaves(graph) == {"x": (2, 5, 4)} | {
        f"net.{name}": shape for name, shape in parameters(net).items()
    }
    assert operations(graph).count("SoftmaxBackward0") == 1
    assert [output.shape for output in graph.outputs] == [(2, 5, 4), (2, 5, 5)]


def test_scaled_dot_product_attention_of_one_tensor_with_itself():
    x = torch.rand(1, 2, 5, 4, requires_grad=True)
    out = F.scaled_dot_product_attention(x, x, x)
    graph = show_graph(out)
    assert_drawn(graph, out)
    assert outputs_used(graph, graph.nodes[0]).count(0) == 3  # query, key and value
    assert leaves(graph) == {"x": (1, 2, 5, 4)}


def test_transformer_layer_in_training_and_in_evaluation():
    net = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.5, batch_first=True)
    x = torch.rand(2, 5, 4)
    training = drawn(net, net(x))
    net.eval()
    evaluation = drawn(net, net(x))
    for graph in (training, evaluation):
        assert operations(graph).count("NativeLayerNormBackward0") == 2
        assert graph.outputs[0].shape == (2, 5, 4)
    dropped, kept = (
        sum(node.grad_fn == "MulBackward0" and node.untracked == (1,) for node in graph.nodes)
        for graph in (training, evaluation)
    )
    assert dropped - kept >= 3  # after the attention, inside and after the feed-forward part


def test_cross_entropy_of_class_numbers():
    scores = torch.rand(4, 3, requires_grad=True)
    loss = F.cross_entropy(scores, torch.tensor([0, 1, 2, 0]))
    graph = show_graph(loss)
    assert_drawn(graph, loss)
    assert operations(graph) == ["LogSoftmaxBackward0", "NllLossBackward0"]
    assert graph.outputs[0].value == loss.item()
    assert ">log_softmax</text>" in graph.to_svg() and ">nll_loss</text>" in graph.to_svg()


@pytest.mark.parametrize("sparse", [False, True])
def test_embedding(sparse):
    table = nn.Embedding(5, 2, sparse=sparse)
    loss = table(torch.tensor([1, 3])).sum()
    graph = drawn(table, loss)
    assert operations(graph) == ["EmbeddingBackward0", "SumBackward0"]
    loss.backward()
    assert table.weight.grad.is_sparse == sparse
    assert drawn(table, loss, unrecorded="the graph is freed").edges == graph.edges


def test_one_weight_used_in_500_steps():
    cell = nn.LSTMCell(2, 3)
    h = c = torch.zeros(1, 3)
    x = torch.ones(1, 2)
    for _ in range(500):
        h, c = cell(x, (h, c))
    loss = h.sum()
    graph = show_graph(loss, cell)
    assert_drawn(graph, loss, most_nodes=20_000)
    assert graph.cut == () and leaves(graph) == parameters(cell)
    uses = {node.name: len(outputs_used(graph, node)) for node in graph.nodes if node.is_leaf}
    assert uses == dict.fromkeys(parameters(cell), 500)
    assert operations(graph).count("TanhBackward0") == 1000
    assert "497 × the same 15 operations" in graph.to_svg()
    assert graph.to_svg().count("data-node=") == 50 and len(graph.to_svg()) < 50_000


def test_compiled_module():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    x = torch.rand(5, 3)
    loss = torch.compile(net, backend="aot_eager")(x).pow(2).sum()
    graph = drawn(net, loss)
    assert operations(graph) == ["CompiledFunctionBackward", "PowBackward0", "SumBackward0"]
    node = the(graph, "CompiledFunctionBackward")
    into = [graph.nodes[edge.source].name for edge in graph.edges if edge.target == node.id]
    assert sorted(into) == sorted(parameters(net))
    gradients = torch.autograd.grad(loss, net.parameters())
    eager = torch.autograd.grad(net(x).pow(2).sum(), net.parameters())
    for compiled, wanted in zip(gradients, eager):
        torch.testing.assert_close(compiled, wanted)
