# Records where each TCP socket of this program is made, as node/recorder.cjs does. No thread, no signal, no output; what
# fails here is nothing to the program.
import os
import sys

SLOT_BYTES = 2048
DEPTH = 40
DEPTHS = range(DEPTH)
MOST_STACKS = 1000
NOBODY = (0, b'')
AF_INET, AF_INET6, SOCK_STREAM = 2, 10, 1
# Their slots are written through memory: a call of the kernel lets other threads take the interpreter.
MAPPED_SLOTS = 256

_folder = os.environ.get('LASTACK_RUN_DIR', '')
_stdlib = os.path.dirname(os.__file__) + os.sep
_made = {}  # fd: (inode, body) of the sockets that this process made, or inherited
_inherited = {}  # those of _made that a parent made
_nameless = {}  # fd: inode of those without a line of the program's own
_stacks = {}  # (id of code, f_lasti, …) of the frames: what _describe() gave
_accepted = {}  # body of a listener: that of its connections
_is_own = {}  # file name: whether it is the program's


def start():
    """Waits for the import of socket: most programs never do."""
    module = sys.modules.get('socket')
    if module is not None:
        _patch(module)
    else:
        sys.meta_path.insert(0, _SocketFinder())


class _SocketFinder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != 'socket':
            return None
        from importlib.machinery import PathFinder
        sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _SocketFinder)]
        spec = PathFinder.find_spec(name, path)
        if spec is None or spec.loader is None:
            return None
        loader, run = spec.loader, spec.loader.exec_module

        def exec_module(module):
            run(module)
            if module.__name__ == 'socket':
                _quietly(_patch, module)

        loader.exec_module = exec_module
        return spec


def _quietly(action, *args):
    try:
        action(*args)
    except Exception:
        pass


def _patch(module):
    import atexit
    cls = module.socket
    if getattr(cls.__init__, '__module__', '') == __name__:
        return
    base = module._socket.socket
    family_of, type_of = base.family.__get__, base.type.__get__
    make, accept = cls.__init__, cls.accept

    def __init__(self, family=-1, type=-1, proto=-1, fileno=None):
        make(self, family, type, proto, fileno)
        try:
            if family_of(self) in (AF_INET, AF_INET6) and type_of(self) & 15 == SOCK_STREAM:
                _record(self.fileno(), sys._getframe(1))
        except Exception:
            pass

    def accepted(self):
        result = accept(self)
        try:
            if _nameless:
                _name_after_listener(result[0].fileno(), self.fileno())
        except Exception:
            pass
        return result

    __init__.__doc__, __init__.__wrapped__ = make.__doc__, make
    accepted.__doc__, accepted.__wrapped__, accepted.__name__ = accept.__doc__, accept, 'accept'
    cls.__init__, cls.accept = __init__, accepted
    os.register_at_fork(after_in_child=_records.start_child)
    atexit.register(_quietly, _note_open_sockets)


def _record(fd, frame):
    inode = os.fstat(fd).st_ino
    if _made.get(fd, NOBODY)[0] == inode:
        return  # It changes its object, as for TLS.
    key, above = [], frame
    add = key.append
    for _ in DEPTHS:
        add(id(above.f_code))
        add(above.f_lasti)
        above = above.f_back
        if above is None:
            break
    key = tuple(key)
    stack = _stacks.get(key)
    if stack is None:
        if len(_stacks) >= MOST_STACKS:
            _stacks.clear()
        stack = _stacks[key] = _describe(frame)
    if not stack[1]:
        _nameless[fd] = inode
    _records.write(fd, inode, stack[0])


def _describe(frame):
    """The body of a stack's slot, whether a line of the program's own is in it, and the code that keeps its key valid."""
    frames = []
    while frame is not None and len(frames) < DEPTH:
        frames.append((frame.f_code, frame.f_lineno))
        frame = frame.f_back
    shown = [(code, line) for code, line in frames if code.co_filename != __file__]
    lines = ['%s\t%d\t%s' % (code.co_filename, line, code.co_name) for code, line in shown]
    own = [line for line, (code, _) in zip(lines, shown) if not _belongs_to_library(code.co_filename)]
    is_accept = shown[0][0].co_name == 'accept' and _belongs_to_library(shown[0][0].co_filename)
    # What a library accepts, as asyncio does, is the program's by its listener only.
    has_name = own[:1] == lines[1:2] if is_accept else bool(own)
    text = '\n'.join(['accept' if is_accept else 'connect', own[0] if own else lines[0]] + lines)
    return _body(text.encode('utf-8', 'replace')), has_name, frames


def _body(text):
    """What stands between the inodes of a slot, as in node/slots.cjs."""
    text = text[:SLOT_BYTES - 20]
    return len(text).to_bytes(4, 'little') + text


def _belongs_to_library(name):
    own = _is_own.get(name)
    if own is None:
        installed = os.sep + 'site-packages' + os.sep in name or os.sep + 'dist-packages' + os.sep in name
        own = _is_own[name] = not (installed or name.startswith((_stdlib, '<frozen ')) or name == __file__)
    return not own


def _name_after_listener(fd, listener):
    """A connection that a library accepts, as asyncio does, is made where the listener was."""
    inode = _nameless.pop(fd, None)
    body = _made.get(listener, NOBODY)[1]
    if body and inode is not None and _made.get(fd, NOBODY)[0] == inode:
        accepted = _accepted.get(body)
        if accepted is None:
            if len(_accepted) >= MOST_STACKS:
                _accepted.clear()
            accepted = _accepted[body] = _body(b'accept' + body[body.index(b'\n', 4):])
        _records.write(fd, inode, accepted)


class _Records:
    """The file of this process's records. A hook of the interpreter holds it: it must outlive the program's own files."""

    def __init__(self):
        self.file = None  # (descriptor, st_ino)
        self.map = None  # Its first slots; False where there is no room for them
        self.parents = []  # Maps of those it was forked from: their descriptors may be the program's by now

    def write(self, fd, inode, body):
        previous, _made[fd] = _made.get(fd, NOBODY), (inode, body)
        if self.map is None:
            self.map = self.make_map()
        name = inode.to_bytes(8, 'little')
        at = fd * SLOT_BYTES
        end = at + 8 + len(body)
        if fd >= MAPPED_SLOTS or self.map is False:
            os.pwrite(self.descriptor(), name + body + name, at)
        elif previous[1] is body:
            # Most are made where the last one was.
            self.map[end:end + 8] = name
            self.map[at:at + 8] = name
        else:
            self.map[at:end + 8] = name + body + name

    def make_map(self):
        try:
            import mmap
            # With all its pages: to write to one that the disk has no room for would kill the program.
            os.posix_fallocate(self.descriptor(), 0, MAPPED_SLOTS * SLOT_BYTES)
            options = {'trackfd': False} if sys.version_info >= (3, 13) else {}
            return mmap.mmap(self.descriptor(), MAPPED_SLOTS * SLOT_BYTES, **options)
        except Exception:
            return False

    def descriptor(self):
        """Of the file. The program may have closed it, as daemons do, and the number be another file's by now."""
        if self.file is not None:
            try:
                if os.fstat(self.file[0]).st_ino == self.file[1]:
                    return self.file[0]
            except OSError:
                pass
        fd = os.open(os.path.join(_folder, str(os.getpid())), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.file = (fd, os.fstat(fd).st_ino)
        return fd

    def start_child(self):
        """After a fork: a file of its own, with what it inherited."""
        self.parents.append(self.map)
        self.file = self.map = None
        _inherited.update(_made)
        _made.clear()
        try:
            for fd, (inode, body) in _inherited.items():
                self.write(fd, inode, body)
        except Exception:
            pass


_records = _Records()


def _note_open_sockets():
    """As node/exit-note.cjs does."""
    import _socket
    lines = []
    for fd, (inode, body) in _made.items():
        if _inherited.get(fd, NOBODY)[0] == inode:
            continue
        try:
            if os.fstat(fd).st_ino != inode:
                continue
            socket = _socket.socket(fileno=os.dup(fd))
        except OSError:
            continue
        try:
            if socket.getsockopt(_socket.SOL_SOCKET, 30):  # SO_ACCEPTCONN
                return
            if body.startswith(b'accept', 4):
                continue
            address, port = socket.getpeername()[:2]
            lines.append('%d\t%d\t%s\t%d\n' % (fd, inode, address, port))
        except OSError:
            pass  # Never connected, or reset.
        finally:
            socket.close()
    if lines:
        lines.insert(0, os.path.basename(sys.executable or 'python') + '\n')
        path = os.path.join(_folder, '%d.exit' % os.getpid())
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.write(fd, ''.join(lines).encode())
        os.close(fd)
