"""What a helper was asked about: the tensors in its arguments, and what they are called."""

import inspect

import torch
from torch import nn

from .grads import shape_of
from .names import Names, buffers_in, parameters_in, tensors_in
from .walk import refuse_too_many, safe_depth

REENTRANT = "CheckpointFunctionBackward"


def names_for(outputs, named, by_name, namespaces) -> Names:
    """Return the names in force: those given by keyword, then modules', then variables'."""
    names = Names()
    modules = [(name, thing) for name, thing in named.items() if isinstance(thing, nn.Module)]
    modules += [("", thing) for thing in outputs if isinstance(thing, nn.Module)]
    for held in by_name:
        names.add(held)
    for name, module in modules:
        for held in (*parameters_in(module, name), *buffers_in(module, name)):
            names.add(held)
    names.add_namespaces(namespaces)
    return names


def asked_for(outputs, named, namespaces, helper, aim) -> tuple:
    """Return the tensors asked for, those given by keyword, and the names in force.

    Args:
        outputs, named: what the helper was given.
        namespaces: the caller's variables.
        aim: what the message wants a tensor for, such as "whose graph you want to see".

    Raises:
        TypeError: an argument is neither a tensor nor holds one, or there is none.
        ValueError: more tensors are given than can be looked at safely.
    """
    by_name = [held for name, thing in named.items() for held in tensors_of(thing, name, helper)]
    asked = [held for thing in outputs for held in tensors_of(thing, "", helper)]
    if not asked and not by_name:
        raise TypeError(
            f"{helper} was given no tensor; pass the tensor {aim}, such as {helper}(loss)"
        )
    refuse_too_many([held.tensor for held in asked + by_name], helper)
    return asked, by_name, names_for(outputs, named, by_name, namespaces)


def tensors_of(thing, name, helper) -> list:
    """Return a ``Held`` for each tensor of one argument; a module is not drawn.

    Raises:
        TypeError: the argument is no module and holds no tensor.
    """
    if isinstance(thing, nn.Module):
        return []
    found = list(tensors_in(thing, name))
    if not found:
        raise TypeError(_refusal(thing, helper))
    return found


def _refusal(thing, helper) -> str:
    kind = type(thing).__name__
    if thing is None:
        return (
            f"{helper} was given None; pass a tensor (a call such as loss.backward() "
            "returns None, the graph belongs to loss)"
        )
    if hasattr(thing, "next_functions"):
        return f"{helper} was given a node ({kind}); pass the tensor, not its grad_fn"
    return (
        f"{helper} was given {kind}, which holds no tensor; pass a torch tensor, "
        f"or a list, tuple, dict or dataclass of tensors"
    )


def refuse_unrunnable(output, gradient, how, helper) -> None:
    """Refuse a backward that cannot run, before anything has run.

    Raises:
        TypeError, ValueError: those of ``record_backward``.
    """
    for name, value in how._asdict().items():
        if not (isinstance(value, bool) or (name == "retain_graph" and value is None)):
            raise TypeError(
                f"{helper} was given {name}={type(value).__name__}; {name} takes True or False"
            )
    if not isinstance(output, torch.Tensor):
        raise TypeError(
            f"{helper} was given {type(output).__name__}; pass the tensor whose backward is to "
            f"run, such as {helper}(loss)"
        )
    if not output.requires_grad:
        raise ValueError(
            f"{helper} was given a tensor without a graph (requires_grad is False), so there is "
            f"no backward to run; pass one that was computed from a tensor that requires grad"
        )
    if gradient is None and output.numel() != 1:
        raise ValueError(
            f"{helper} was given an output of shape {shape_of(output)} and no gradient; pass "
            f"gradient=, a tensor of that shape, or an output of one element"
        )
    if gradient is not None and not isinstance(gradient, torch.Tensor):
        raise TypeError(
            f"{helper} was given gradient={type(gradient).__name__}; pass a tensor of the shape "
            f"of the output, or None"
        )
    if gradient is not None and shape_of(gradient) != shape_of(output):
        raise ValueError(
            f"{helper} was given a gradient of shape {shape_of(gradient)} for an output of shape "
            f"{shape_of(output)}; the two must be the same"
        )


def refuse_unfollowable(graph, accumulate, helper) -> None:
    """Refuse a graph whose backward cannot be recorded as asked, before anything has run.

    Raises:
        ValueError: those of ``record_backward``.
    """
    if graph.cut:
        raise ValueError(
            f"{helper} was given the end of a graph that goes deeper than Python can follow "
            f"safely on this thread ({safe_depth():,} levels); nothing has run, so call "
            f".backward() itself or pass an earlier tensor"
        )
    reentrant = any(node.grad_fn == REENTRANT for node in graph.nodes)
    if reentrant and not accumulate:
        raise ValueError(
            f"{helper} was given accumulate=False for a graph with a reentrant checkpoint, which "
            f"runs a backward of its own and fills .grad; use checkpoint(..., "
            f"use_reentrant=False), or leave accumulate=True"
        )


def refuse_unless_callable(function, where, helper, caller) -> None:
    """Refuse what cannot be called without arguments.

    Args:
        where: says which argument it is, such as "as its first argument".
        caller: who will call it, such as "a button".

    Raises:
        TypeError: it is no function, an async one, a generator, or one that wants arguments.
    """
    if not callable(function):
        raise TypeError(
            f"{helper} was given {type(function).__name__} {where}; pass a function without "
            f"arguments, by its name alone or as a lambda"
        )
    if inspect.iscoroutinefunction(function):
        raise TypeError(
            f"{helper} was given an async function {where}, which {caller} cannot wait for; "
            f"pass an ordinary function"
        )
    if inspect.isgeneratorfunction(function):
        raise TypeError(
            f"{helper} was given a generator function {where}, whose call runs none of its lines; "
            f"pass an ordinary function"
        )
    try:
        inspect.signature(function).bind()
    except ValueError:  # a function written in C may not tell what it takes
        return
    except TypeError as error:
        raise TypeError(
            f"{helper} was given a function {where} that wants arguments ({error}); {caller} "
            f"has none to give, so wrap it in a lambda"
        ) from None
