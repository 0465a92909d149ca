"""What a helper was asked about: the tensors in its arguments, and what they are called."""

from torch import nn

from .names import Names, parameters_in, tensors_in


def names_for(outputs, named, by_name, namespaces) -> Names:
    """Return the names in force: those given by keyword, then modules', then variables'."""
    names = Names()
    modules = [(name, thing) for name, thing in named.items() if isinstance(thing, nn.Module)]
    modules += [("", thing) for thing in outputs if isinstance(thing, nn.Module)]
    for held in by_name:
        names.add(held)
    for name, module in modules:
        for held in parameters_in(module, name):
            names.add(held)
    names.add_namespaces(namespaces)
    return names


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
