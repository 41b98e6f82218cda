# `lastack run` has every Python program of its command load this file, through PYTHONPATH; then comes the sitecustomize that
# the program would have loaded. It must be readable for every Python, also for those that are not recorded.
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def load_next(path):
    """Runs the sitecustomize that ours hides, under its own name."""
    if sys.version_info < (3, 4):
        import imp
        try:
            found = imp.find_module('sitecustomize', path)
        except ImportError:
            return
        imp.load_module('sitecustomize', *found)
        return
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec
    spec = PathFinder.find_spec('sitecustomize', path)
    if spec is not None and spec.loader is not None:
        module = module_from_spec(spec)
        sys.modules['sitecustomize'] = module
        spec.loader.exec_module(module)


if os.environ.get('LASTACK_RUN_DIR') and sys.version_info >= (3, 8):
    try:
        import lastack_recorder
        lastack_recorder.start()
    except Exception:
        pass  # Whatever is wrong with us, the program must run.
sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or '.') != HERE]
load_next(sys.path)
