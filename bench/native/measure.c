// measure NETNS [--without-bpf] [--stay] COMMAND ... : runs a command in a network namespace, its output into a pipe that is
// read and thrown away, and prints `MS USER_MS SYSTEM_MS PEAK_KIB LINES STATUS`. It takes the time itself: starting a process from
// Node costs milliseconds. With --stay the command takes this process's place, and nothing is measured.
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static double milliseconds(struct timeval time) { return time.tv_sec * 1e3 + time.tv_usec / 1e3; }

static void enter(const char *path) {
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET)) err(125, "%s", path);
	close(fd);
}

/** Root without the three capabilities that allow BPF: what it executes cannot get them back. */
static void forgo_bpf(void) {
	static const int capabilities[] = {CAP_BPF, CAP_PERFMON, CAP_SYS_ADMIN};
	for (int i = 0; i < 3; i++)
		if (prctl(PR_CAPBSET_DROP, capabilities[i], 0, 0, 0)) err(125, "drop a capability");
}

static long count_lines(int fd) {
	static char buffer[64 * 1024];
	long lines = 0;
	for (ssize_t length; (length = read(fd, buffer, sizeof buffer)) > 0;)
		for (char *at = buffer; (at = memchr(at, '\n', buffer + length - at)) != NULL; at++) lines++;
	return lines;
}

int main(int count, char **words) {
	(void)count;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	enter(words[1]);
	char **command = words + 2;
	if (!strcmp(*command, "--without-bpf")) {
		forgo_bpf();
		command++;
	}
	if (!strcmp(*command, "--stay")) {
		execvp(command[1], command + 1);
		err(127, "%s", command[1]);
	}
	int output[2];
	if (pipe2(output, O_CLOEXEC)) err(125, "pipe");
	double begin = now();
	pid_t child = vfork();
	if (child < 0) err(125, "fork");
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(output[1], STDOUT_FILENO);
		execvp(*command, command);
		_exit(127);
	}
	close(output[1]);
	long lines = count_lines(output[0]);
	int status;
	struct rusage usage;
	if (wait4(child, &status, 0, &usage) < 0) err(125, "wait");
	double took = now() - begin;
	printf("%.3f %.3f %.3f %ld %ld %d\n", took, milliseconds(usage.ru_utime), milliseconds(usage.ru_stime),
	       usage.ru_maxrss, lines, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}
