// churn: connections on loopback, one after the other, for bench/trace. Each line of its input is a number of connections; it makes
// them and prints the seconds that took. Each connection changes its states ten times, and the kernel announces all ten: each end
// keeps its socket until the other has sent its FIN.
#include <arpa/inet.h>
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/** Several ports, so that those of the clients do not run out while TIME-WAITs remain. */
#define PORTS 16
#define FIRST_PORT 9000

static int listeners[PORTS];
static struct sockaddr_in addresses[PORTS];

static double now(void) {
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

static void listen_at(int i) {
	addresses[i] = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(FIRST_PORT + i), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	listeners[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listeners[i], (void *)&addresses[i], sizeof addresses[i]) || listen(listeners[i], 128)) err(1, "port %d", FIRST_PORT + i);
}

static void connect_and_close(int i) {
	char byte;
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(client, (void *)&addresses[i], sizeof addresses[i])) err(1, "connect");
	int server = accept(listeners[i], NULL, NULL);
	if (server < 0) err(1, "accept");
	if (shutdown(client, SHUT_WR) || read(server, &byte, 1) != 0) err(1, "shutdown");
	close(server);
	if (read(client, &byte, 1) != 0) err(1, "read");
	close(client);
}

int main(void) {
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0; i < PORTS; i++) listen_at(i);
	for (long count; scanf("%ld", &count) == 1;) {
		double start = now();
		for (long i = 0; i < count; i++) connect_and_close(i % PORTS);
		printf("%f\n", now() - start);
		fflush(stdout);
	}
}
