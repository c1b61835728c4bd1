"""Imports every module of the package that is named on the command line."""

import importlib
import pkgutil
import sys

package = importlib.import_module(sys.argv[1])
modules = list(pkgutil.walk_packages(package.__path__, package.__name__ + "."))
assert len(modules) > 10, f"only {len(modules)} modules were generated"
for module in modules:
    importlib.import_module(module.name)
