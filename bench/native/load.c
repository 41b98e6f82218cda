// load MODE:PAIRS ... : connected TCP sockets on loopback, in a network namespace of its own, until it is killed.
// Prints `ready SOCKETS` when they are there. Modes: established, established6, half-closed (CLOSE-WAIT and FIN-WAIT-2, both
// ends held, so that neither times out), time-wait (nobody holds them; gone after 60 s).
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST_PAIRS = 9500, SPARE_FDS = 64, FIRST_PORT = 10000 };

static void end_with(pid_t parent) {
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) _exit(1); // It ended before the call.
}

static void write_sysctl(const char *path, const char *value) {
	int fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, value, strlen(value)) < 0) err(1, "%s", path);
	close(fd);
}

static void enter_own_namespace(void) {
	if (unshare(CLONE_NEWNET)) err(1, "unshare");
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request)) err(1, "set lo up");
	close(fd);
	write_sysctl("/proc/sys/net/ipv4/tcp_max_tw_buckets", "1000000");
	write_sysctl("/proc/sys/net/ipv4/tcp_tw_reuse", "0");
}

/** How many pairs one process can hold. */
static int pairs_a_process(void) {
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit)) err(1, "getrlimit");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit)) err(1, "setrlimit");
	rlim_t pairs = (limit.rlim_max - SPARE_FDS) / 2;
	return pairs < MOST_PAIRS ? (int)pairs : MOST_PAIRS;
}

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/** Remote addresses are many, so that no pair of addresses runs out of ports. */
static socklen_t address_of(union address *to, int is6, int port, int host, int pair) {
	memset(to, 0, sizeof *to);
	if (is6) {
		to->v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
		to->v6.sin6_addr = in6addr_loopback;
		return sizeof to->v6;
	}
	to->v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
	to->v4.sin_addr.s_addr = htonl(127u << 24 | (host & 0xff) << 16 | (pair / 200 & 0xff) << 8 | (pair % 200 + 1));
	return sizeof to->v4;
}

static int listen_on(int is6, int port, int host) {
	union address at;
	int fd = socket(is6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
	socklen_t length = address_of(&at, is6, port, host, 0);
	if (!is6) at.v4.sin_addr.s_addr = htonl(INADDR_ANY);
	if (fd < 0 || bind(fd, &at.any, length) || listen(fd, 64)) err(1, "listen on port %d", port);
	return fd;
}

static void make_pairs(const char *mode, int pairs, int process) {
	int is6 = !strcmp(mode, "established6");
	int port = FIRST_PORT + process;
	int listening = listen_on(is6, port, process + 1);
	// Reset instead of TIME-WAIT when the load is killed: the next one finds a quiet kernel.
	struct linger reset = {.l_onoff = 1, .l_linger = 0};
	for (int pair = 0; pair < pairs; pair++) {
		union address to;
		socklen_t length = address_of(&to, is6, port, process + 1, pair);
		int client = socket(is6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
		if (client < 0 || connect(client, &to.any, length)) err(1, "connect");
		int server = accept(listening, NULL, NULL);
		if (server < 0) err(1, "accept");
		if (!strcmp(mode, "time-wait")) {
			close(client);
			close(server);
			continue;
		}
		setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
		setsockopt(server, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
		if (!strcmp(mode, "half-closed") && shutdown(client, SHUT_WR)) err(1, "shutdown");
	}
}

static int is_mode(const char *mode) {
	static const char *const modes[] = {"established", "established6", "half-closed", "time-wait"};
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
		if (!strcmp(mode, modes[i])) return 1;
	return 0;
}

int main(int count, char **words) {
	end_with(getppid());
	int most = pairs_a_process();
	enter_own_namespace();
	int ready[2];
	if (pipe(ready)) err(1, "pipe");
	pid_t self = getpid();
	int processes = 0;
	long sockets = 0;
	for (int word = 1; word < count; word++) {
		char *colon = strchr(words[word], ':');
		if (colon != NULL) *colon = '\0';
		if (colon == NULL || !is_mode(words[word])) errx(1, "not MODE:PAIRS: %s", words[word]);
		int wanted = atoi(colon + 1);
		sockets += (!strcmp(words[word], "time-wait") ? 1L : 2L) * wanted;
		for (int pairs; wanted > 0; wanted -= pairs, processes++) {
			pairs = wanted < most ? wanted : most;
			pid_t child = fork();
			if (child < 0) err(1, "fork");
			if (child > 0) continue;
			end_with(self);
			close(ready[0]);
			make_pairs(words[word], pairs, processes);
			if (write(ready[1], "", 1) != 1) _exit(1);
			for (;;) pause();
		}
	}
	close(ready[1]);
	for (int process = 0; process < processes; process++) {
		char byte;
		if (read(ready[0], &byte, 1) != 1) errx(1, "a process of the load failed");
	}
	printf("ready %ld\n", sockets + processes);
	fflush(stdout);
	for (;;) pause();
}
