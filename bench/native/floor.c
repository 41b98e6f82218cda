// The floor: asks the kernel for all TCP sockets as lastack does, and discards them. For each line on stdin it dumps once and
// prints `MILLISECONDS ROWS`. Read first: net/ipv4/inet_diag.c, inet_diag_rcv_msg_compat().
#include <err.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER_BYTES = 32 * 1024, LEGACY_REQUEST = 18 };

static double now(void) {
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static long dump(unsigned states) {
	static _Alignas(8) char buffer[BUFFER_BYTES];
	struct {
		struct nlmsghdr header;
		struct inet_diag_req request;
	} message;
	memset(&message, 0, sizeof message);
	message.header.nlmsg_len = sizeof message;
	message.header.nlmsg_type = LEGACY_REQUEST;
	message.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	message.request.idiag_states = states;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (fd < 0) err(1, "socket");
	// Tells the kernel how large the buffer is.
	recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
	if (send(fd, &message, sizeof message, 0) < 0) err(1, "send");
	for (long rows = 0;;) {
		ssize_t received = recv(fd, buffer, sizeof buffer, 0);
		if (received < 0) err(1, "recv");
		struct nlmsghdr *header = (struct nlmsghdr *)buffer;
		for (int left = (int)received; NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
			if (header->nlmsg_type == NLMSG_ERROR) errx(1, "refused");
			if (header->nlmsg_type == NLMSG_DONE) {
				close(fd);
				return rows;
			}
			rows++;
		}
	}
}

int main(int count, char **words) {
	unsigned states = ~0u;
	if (count > 1 && sscanf(words[1], "%x", &states) != 1) errx(1, "not a mask of states: %s", words[1]);
	for (char line[64]; fgets(line, sizeof line, stdin) != NULL;) {
		double begin = now();
		long rows = dump(states);
		printf("%.3f %ld\n", now() - begin, rows);
		fflush(stdout);
	}
}
