"""Imports of the CDK without what an HTTP source never uses. Only the console script does this, in its own process.

Importing any module of the CDK runs the `__init__` of its parents, which load the whole CDK. Measured for
`AbstractSource` and `HttpStream` with airbyte-cdk 7.39.1 (best of five, CPU seconds and peak memory):

| left out                                                   |  CPU | wall | memory |
|------------------------------------------------------------|------|------|--------|
| nothing                                                    | 1.34 | 1.42 |  74 MB |
| + the two package `__init__` (declarative framework, ...)  | 0.84 | 0.86 |  51 MB |
| + serialisers of protocol messages (the engine has its own)| 0.43 | 0.44 |  49 MB |
| + requests_cache, pyrate_limiter (the engine has a budget) | 0.35 | 0.36 |  46 MB |

Nothing is faked: whatever is asked for later is loaded then, and if anything looks unlike the CDK that this was made
for, the real import follows. Classes are the CDK's own.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any

# Packages whose `__init__` runs only when one of its names is asked for; their submodules load as ever.
LAZY_PACKAGES = (
    "airbyte_cdk",  # imports the declarative framework, destinations, the file readers, versions from git
    "airbyte_cdk.sources",  # imports pydantic configs and a dpath option for declarative sources
    "serpyco_rs",  # only `serpyco_rs.metadata` is needed, unless a serialiser is built
    "pyrate_limiter.abstracts",  # only the exceptions' argument types are needed
)
# Modules whose names are placeholders until they are called or looked into.
DEFERRED_MODULES = (
    "airbyte_cdk.models.airbyte_protocol_serializers",  # builds eight serialisers: 0.35 s
    "requests_cache",  # for streams with `use_cache`, of which there are none
    "pyrate_limiter",  # for the CDK's moving-window budget
)
NEEDED_MODULES = ("airbyte_cdk.sources.abstract_source", "airbyte_cdk.sources.streams.http")
_NAMES_OF_PACKAGES = ("__all__", "__version__")


def install() -> bool:
    """Import the needed modules the light way; False if the CDK was there already or had to be imported whole."""
    if "airbyte_cdk" in sys.modules:
        return False
    try:
        for name in DEFERRED_MODULES:
            sys.modules[name] = _DeferredModule(name)
        for name in LAZY_PACKAGES:
            _add(_lazy_package(name))
        for name in NEEDED_MODULES:
            importlib.import_module(name)
    except Exception:  # a CDK of another shape: whatever it was, the real import will tell
        _remove_everything()
        return False
    return True


class _LazyPackage(ModuleType):
    """A package whose `__init__` has not run; asking for an unknown name runs it, in this very module."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name not in _NAMES_OF_PACKAGES:
            raise AttributeError(name)
        self.__class__ = ModuleType  # type: ignore[assignment]  # a module again: the names below are now real
        loader = self.__spec__.loader if self.__spec__ else None
        if loader is None:
            raise ImportError(self.__name__)
        loader.exec_module(self)
        return getattr(self, name)


def _lazy_package(name: str) -> ModuleType:
    spec = importlib.util.find_spec(name)
    if spec is None:
        raise ModuleNotFoundError(name)
    module = importlib.util.module_from_spec(spec)
    module.__class__ = _LazyPackage
    return module


def _add(module: ModuleType) -> None:
    sys.modules[module.__name__] = module
    parent, _, name = module.__name__.rpartition(".")
    if parent:
        setattr(sys.modules[parent], name, module)


class _DeferredModule(ModuleType):
    """Stands for a module that is imported when one of its names is used."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        # Submodules (exceptions, which `except` needs as real classes) load as ever. Looking for the spec of a module
        # inside a package would import the package.
        spec = None if "." in name else importlib.util.find_spec(name)
        self.__path__ = list(spec.submodule_search_locations or ()) if spec else []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        placeholder = _Placeholder(self.__name__, name)
        setattr(self, name, placeholder)
        return placeholder


class _Placeholder:
    """A name of a deferred module: a class, a function or an object, which loads when it is used."""

    def __init__(self, module: str, name: str) -> None:
        self.__dict__.update(_module=module, _name=name, _changes={})

    def _load(self) -> Any:
        if isinstance(sys.modules.get(self._module), _DeferredModule):
            del sys.modules[self._module]
        value = getattr(importlib.import_module(self._module), self._name)
        for name, change in self._changes.items():
            setattr(value, name, change)
        self._changes.clear()
        return value

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._load()(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._load(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        # The CDK patches `requests_cache.SQLiteDict` on import: the patch waits for the class.
        self._changes[name] = value

    def __instancecheck__(self, instance: object) -> bool:
        # What has not been loaded has no instances.
        return not isinstance(sys.modules.get(self._module), _DeferredModule) and isinstance(instance, self._load())

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        return (_NotLoaded,)


class _NotLoaded:
    """The base class that a deferred module would have given; its subclasses cannot be used."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError("this class needs a module that the console script leaves out (see light_cdk)")


def _remove_everything() -> None:
    """Forget the stand-ins and all modules that may have seen them."""
    packages = {name.partition(".")[0] for name in (*LAZY_PACKAGES, *DEFERRED_MODULES)}
    for name in [name for name in sys.modules if name.partition(".")[0] in packages]:
        del sys.modules[name]
