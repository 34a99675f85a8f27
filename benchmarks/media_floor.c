/* The least that a relay with a socket a leg can cost: epoll, recv, send, and nothing in between.
 *
 *   media_floor CALLS
 *
 * Standard input has a line a call: "caller's port, agent's port".  Standard output then has a line a call: "port facing
 * the caller, port facing the agent".  After that it relays until it is ended.  It looks every 5 ms, as the media worker
 * does: packets that wait together cost fewer calls of epoll_wait than packets that are fetched as they come.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { TICK_NS = 5000000, READY = 1024, MAX_PACKET = 1024, RECEIVE_BUFFER = 65536 };

static void fail(const char *what) {
    perror(what);
    exit(2);
}

static int open_leg(int far_port) {
    int size = RECEIVE_BUFFER, sock = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in far = {.sin_family = AF_INET, .sin_port = htons(far_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (sock < 0 || setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &size, sizeof size)) fail("socket");
    if (bind(sock, (void *)&own, sizeof own) || connect(sock, (void *)&far, sizeof far)) fail("bind");
    return sock;
}

static int port_of(int sock) {
    struct sockaddr_in own;
    socklen_t size = sizeof own;
    if (getsockname(sock, (void *)&own, &size)) fail("getsockname");
    return ntohs(own.sin_port);
}

static void relay(int poll, const int *socks) {
    static struct epoll_event ready[READY];
    static uint8_t packet[MAX_PACKET];
    int count;
    do {
        count = epoll_wait(poll, ready, READY, 0);
        for (int i = 0; i < count; i++) {
            uint32_t leg = ready[i].data.u32;
            ssize_t size = recv(socks[leg], packet, sizeof packet, 0);
            if (size > 0 && send(socks[leg ^ 1], packet, size, 0) < 0) continue; /* as a telephone call does: lost */
        }
    } while (count > 0);
}

int main(int argc, char **argv) {
    int calls = argc == 2 ? atoi(argv[1]) : 0, poll = epoll_create1(0);
    int *socks = calloc(2 * calls + 1, sizeof *socks);
    for (int leg = 0; leg < 2 * calls; leg++) {
        int far_port;
        if (scanf("%d", &far_port) != 1) return 2;
        socks[leg] = open_leg(far_port);
        struct epoll_event in = {.events = EPOLLIN, .data.u32 = leg};
        if (epoll_ctl(poll, EPOLL_CTL_ADD, socks[leg], &in)) fail("epoll_ctl");
    }
    for (int call = 0; call < calls; call++) printf("%d %d\n", port_of(socks[2 * call]), port_of(socks[2 * call + 1]));
    fflush(stdout);
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    for (;;) {
        at.tv_nsec += TICK_NS;
        if (at.tv_nsec >= 1000000000) at.tv_nsec -= 1000000000, at.tv_sec++;
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
        relay(poll, socks);
    }
}
