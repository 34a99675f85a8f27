/* Both ends of many telephone calls through a relay on loopback: 20 ms PCMU both ways, paced, every packet accounted for.
 *
 *   media_load TRACK CALLS
 *
 * TRACK holds frames of 160 bytes of mu-law that are all different.  Standard output begins with the ports of the
 * callers' sockets, then of the agents': call i uses the (i % SLICES)th of each.  Standard input then has a line a call:
 * "relay's port facing the caller, relay's port facing the agent, frame of TRACK that the caller begins with"; the agent
 * begins half a track later.  After that, commands:
 *
 *   start FRAMES         Lets the calls begin one after another, as people call, over FRAMES.  Prints "end" when all have
 *                        begun and what came is counted, and a line of JSON as below.
 *   run WARM_FRAMES FRAMES FLOOD_PACKETS_A_SECOND FLOODER   FLOODER: 0 the caller of call 0 itself, 1 a stranger.
 *                        Prints "begin" when warm, "end" when FRAMES more were sent, and one line of JSON: what was
 *                        counted since the start or the last "forget".  A flooded call 0 is left out of it.  In place
 *                        of any of them "behind", and ends, where it cannot keep up.
 *   forget               Sets all counts to zero, but for what a call received more than was sent.
 *
 * Latency needs no stamp: a relay that keeps G.711 as it is sends a frame that its sender can find again among those it
 * sent last.  A frame that cannot be found was masked.  Times of arrival are the kernel's, so that it does not matter
 * how soon this program looks.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    FRAME = 160,
    HEADER = 12,
    PACKET = HEADER + FRAME,
    SLICES = 20,        /* of a frame's time: packets of different calls are spread over it */
    BATCH = 256,        /* packets a system call */
    REMEMBERED = 32,    /* frames of each stream: what comes out later than 640 ms counts as not found */
    BUCKETS = 100000,   /* of 10 us: one second */
    BUCKET_NS = 10000,
    FRAME_NS = 20000000,
    STILL_NS = 500000000,
    MOST_LATE_NS = 2000000000,
    RECEIVE_BUFFER = 4 << 20,
};

struct stream { /* what one end sends; 2 * call + side */
    uint16_t sequence, relay_port;
    uint32_t position; /* in the track; the timestamp is 160 times the frames sent */
    uint32_t frames;
    uint64_t sent, received; /* by this end, at the other end */
    uint64_t hash[REMEMBERED];
    int64_t sent_ns[REMEMBERED];
};

static int calls, flooding, sockets[2][SLICES], stranger;
static uint32_t track_frames;
static uint8_t *track;
static uint64_t *track_hash;
static struct stream *streams;
static int stream_of_port[65536];
static int64_t begin_ns;
static uint64_t found[2], found_in_window[2], latency[2][BUCKETS], lateness[BUCKETS], flooded, foreign;
static uint32_t overflows[2][SLICES], overflows_before[2][SLICES];

static void fail(const char *what) {
    perror(what);
    exit(2);
}

static int64_t now_ns(void) { /* the clock of the kernel's receive timestamps */
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static void sleep_until(int64_t at_ns) {
    struct timespec at = {at_ns / 1000000000, at_ns % 1000000000};
    clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &at, NULL);
}

static void count_in(uint64_t *histogram, int64_t ns) {
    int64_t bucket = ns < 0 ? 0 : ns / BUCKET_NS;
    histogram[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
}

/* Mu-law has two zeros, and a relay that decodes and encodes may put the one for the other. */
static uint64_t hash_of(const uint8_t *frame) {
    uint8_t plain[FRAME];
    for (int at = 0; at < FRAME; at++) plain[at] = frame[at] == 0x7f ? 0xff : frame[at];
    uint64_t hash = 0x9e3779b97f4a7c15ull, word;
    for (int at = 0; at < FRAME; at += 8) {
        memcpy(&word, plain + at, 8);
        hash = (hash ^ word) * 0xff51afd7ed558ccdull;
        hash ^= hash >> 32;
    }
    return hash;
}

static int open_socket(void) {
    int on = 1, size = RECEIVE_BUFFER, sock = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (sock < 0 || bind(sock, (void *)&own, sizeof own)) fail("socket");
    if (setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size)) /* needs a privilege */
        setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    if (setsockopt(sock, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on)) fail("SO_TIMESTAMPNS");
    if (setsockopt(sock, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on)) fail("SO_RXQ_OVFL");
    return sock;
}

static int port_of(int sock) {
    struct sockaddr_in own;
    socklen_t size = sizeof own;
    if (getsockname(sock, (void *)&own, &size)) fail("getsockname");
    return ntohs(own.sin_port);
}

static void read_track(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END)) fail(path);
    long size = ftell(file);
    rewind(file);
    track_frames = size / FRAME;
    track = malloc(size);
    track_hash = calloc(track_frames, sizeof *track_hash);
    if (!track_frames || fread(track, FRAME, track_frames, file) != track_frames) fail(path);
    fclose(file);
    for (uint32_t i = 0; i < track_frames; i++) track_hash[i] = hash_of(track + (size_t)i * FRAME);
}

static void read_calls(void) {
    memset(stream_of_port, -1, sizeof stream_of_port);
    for (int call = 0; call < calls; call++) {
        int port[2];
        uint32_t from;
        if (scanf("%d %d %u", &port[0], &port[1], &from) != 3) exit(2);
        for (int side = 0; side < 2; side++) {
            struct stream *stream = &streams[2 * call + side];
            stream->relay_port = port[side];
            stream->position = (from + side * (track_frames / 2)) % track_frames;
            stream->sequence = 2 * call + side;
            stream_of_port[port[side]] = 2 * call + side;
        }
    }
}

static void put_header(uint8_t *packet, uint16_t sequence, uint32_t timestamp, uint32_t ssrc, int marker) {
    uint16_t sequence_n = htons(sequence);
    uint32_t words[2] = {htonl(timestamp), htonl(ssrc)};
    packet[0] = 0x80;
    packet[1] = marker ? 0x80 : 0; /* PCMU */
    memcpy(packet + 2, &sequence_n, 2);
    memcpy(packet + 4, words, 8);
}

static struct mmsghdr out[BATCH];
static struct sockaddr_in out_to[BATCH];
static struct iovec out_part[BATCH];
static uint8_t out_packet[BATCH][PACKET];

static int send_batch(int sock, int count) {
    int taken = 0;
    for (int done = 0; done < count;) {
        int sent = sendmmsg(sock, out + done, count - done, 0);
        taken += sent > 0 ? sent : 0;
        done += sent > 0 ? sent : 1; /* what the kernel refuses is lost, and counts so */
    }
    return taken;
}

static void address(int row, uint16_t port) {
    out_to[row] = (struct sockaddr_in){AF_INET, htons(port), {htonl(INADDR_LOOPBACK)}, {0}};
    out_part[row] = (struct iovec){out_packet[row], PACKET};
    out[row].msg_hdr = (struct msghdr){
        .msg_name = &out_to[row], .msg_namelen = sizeof *out_to, .msg_iov = &out_part[row], .msg_iovlen = 1};
}

static void send_slice(int slice, int side, int begun) {
    int64_t now = now_ns();
    int rows = 0;
    for (int call = slice; call < begun; call += SLICES) {
        struct stream *stream = &streams[2 * call + side];
        int place = stream->frames % REMEMBERED;
        put_header(out_packet[rows], stream->sequence++, stream->frames * FRAME, 2 * call + side + 1, !stream->frames);
        memcpy(out_packet[rows] + HEADER, track + (size_t)stream->position * FRAME, FRAME);
        address(rows, stream->relay_port);
        stream->hash[place] = track_hash[stream->position];
        stream->sent_ns[place] = now;
        stream->position = (stream->position + 1) % track_frames;
        stream->frames++;
        stream->sent++;
        if (++rows == BATCH) {
            send_batch(sockets[side][slice], rows);
            rows = 0;
            now = now_ns();
        }
    }
    send_batch(sockets[side][slice], rows);
}

/* Good headers and another stream each time: what costs a relay most. */
static void send_flood(int packets, int is_stranger) {
    static uint32_t ssrc = 1u << 31;
    int sock = is_stranger ? stranger : sockets[0][0];
    for (int rows; packets > 0; packets -= rows) {
        rows = packets < BATCH ? packets : BATCH;
        for (int row = 0; row < rows; row++) {
            ssrc++;
            put_header(out_packet[row], ssrc * 7, ssrc * 1234567, ssrc, 0);
            memcpy(out_packet[row] + HEADER, track + (size_t)(ssrc % track_frames) * FRAME, FRAME);
            address(row, streams[0].relay_port);
        }
        flooded += send_batch(sock, rows);
    }
}

static void find(struct stream *stream, int direction, const uint8_t *frame, int64_t at_ns) {
    uint64_t hash = hash_of(frame);
    for (uint32_t back = 1; back <= REMEMBERED && back <= stream->frames; back++) {
        int place = (stream->frames - back) % REMEMBERED;
        if (stream->hash[place] != hash) continue;
        found[direction]++;
        if (begin_ns && stream->sent_ns[place] >= begin_ns) {
            found_in_window[direction]++;
            count_in(latency[direction], at_ns - stream->sent_ns[place]);
        }
        return;
    }
}

static void receive_one(const struct mmsghdr *message, const uint8_t *packet, uint16_t port, int side, int slice) {
    int64_t at_ns = now_ns();
    for (struct cmsghdr *more = CMSG_FIRSTHDR(&message->msg_hdr); more; more = CMSG_NXTHDR((struct msghdr *)&message->msg_hdr, more)) {
        if (more->cmsg_level != SOL_SOCKET) continue;
        if (more->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec t;
            memcpy(&t, CMSG_DATA(more), sizeof t);
            at_ns = t.tv_sec * 1000000000ll + t.tv_nsec;
        } else if (more->cmsg_type == SO_RXQ_OVFL) {
            memcpy(&overflows[side][slice], CMSG_DATA(more), sizeof(uint32_t));
        }
    }
    int to = stream_of_port[port];
    if (to < 0 || (to & 1) != side || message->msg_len != PACKET || (packet[1] & 0x7f) != 0) {
        foreign++;
        return;
    }
    if (flooding && to < 2) return;
    struct stream *from = &streams[to ^ 1];
    from->received++;
    find(from, side ^ 1, packet + HEADER, at_ns);
}

static struct mmsghdr in[BATCH];
static struct sockaddr_in in_from[BATCH];
static struct iovec in_part[BATCH];
static uint8_t in_packet[BATCH][2048], in_more[BATCH][128];

static void make_room(int rows) { /* the kernel writes over these fields */
    for (int row = 0; row < rows; row++) {
        in_part[row] = (struct iovec){in_packet[row], sizeof *in_packet};
        in[row].msg_hdr = (struct msghdr){.msg_name = &in_from[row], .msg_namelen = sizeof *in_from,
            .msg_iov = &in_part[row], .msg_iovlen = 1, .msg_control = in_more[row], .msg_controllen = sizeof *in_more};
    }
}

static int receive_socket(int side, int slice) {
    int count, total = 0;
    do {
        count = recvmmsg(sockets[side][slice], in, BATCH, MSG_DONTWAIT, NULL);
        for (int row = 0; row < count; row++)
            receive_one(&in[row], in_packet[row], ntohs(in_from[row].sin_port), side, slice);
        make_room(count);
        total += count > 0 ? count : 0;
    } while (count == BATCH);
    return total;
}

static int receive_all(void) {
    int total = 0;
    static struct pollfd ends[2 * SLICES];
    for (int end = 0; end < 2 * SLICES; end++) ends[end] = (struct pollfd){sockets[end / SLICES][end % SLICES], POLLIN, 0};
    if (poll(ends, 2 * SLICES, 0) <= 0) return 0;
    for (int end = 0; end < 2 * SLICES; end++)
        if (ends[end].revents) total += receive_socket(end / SLICES, end % SLICES);
    return total;
}

/* Upper edge of the bucket that the given share of all counts lies below, in milliseconds. */
static double quantile_ms(const uint64_t *histogram, double share) {
    uint64_t total = 0, sum = 0;
    for (int i = 0; i < BUCKETS; i++) total += histogram[i];
    for (int i = 0; i < BUCKETS; i++)
        if ((sum += histogram[i]) && sum >= share * total) return (i + 1) * (BUCKET_NS / 1e6);
    return 0;
}

static void print_counts(void) {
    uint64_t dropped = 0;
    for (int side = 0; side < 2; side++)
        for (int slice = 0; slice < SLICES; slice++) dropped += overflows[side][slice] - overflows_before[side][slice];
    printf("{\"frames\": [");
    for (int call = 0; call < calls; call++) printf(call ? ", %u" : "%u", streams[2 * call].frames);
    printf("], \"own_drops\": %llu, \"foreign\": %llu, \"flooded\": %llu, \"late_p99_ms\": %.2f, \"late_max_ms\": %.2f",
           (unsigned long long)dropped, (unsigned long long)foreign, (unsigned long long)flooded,
           quantile_ms(lateness, 0.99), quantile_ms(lateness, 1));
    for (int direction = 0; direction < 2; direction++) {
        uint64_t sent = 0, received = 0, lost = 0;
        for (int call = flooding ? 1 : 0; call < calls; call++) {
            const struct stream *stream = &streams[2 * call + direction];
            sent += stream->sent;
            received += stream->received;
            lost += stream->sent > stream->received ? stream->sent - stream->received : 0;
        }
        printf(", \"%s\": {\"sent\": %llu, \"received\": %llu, \"lost\": %llu, \"found\": %llu, \"timed\": %llu"
               ", \"p50_ms\": %.2f, \"p99_ms\": %.2f, \"p999_ms\": %.2f, \"max_ms\": %.2f}",
               direction ? "from_agent" : "from_caller", (unsigned long long)sent, (unsigned long long)received,
               (unsigned long long)lost, (unsigned long long)found[direction],
               (unsigned long long)found_in_window[direction], quantile_ms(latency[direction], 0.5),
               quantile_ms(latency[direction], 0.99), quantile_ms(latency[direction], 0.999),
               quantile_ms(latency[direction], 1));
    }
    printf("}\n");
    fflush(stdout);
}

static void forget(void) {
    for (int i = 0; i < 2 * calls; i++) { /* a relay that filled the silence since the last run sends less in the next */
        streams[i].received -= streams[i].received < streams[i].sent ? streams[i].received : streams[i].sent;
        streams[i].sent = 0;
    }
    memset(found, 0, sizeof found);
    memset(found_in_window, 0, sizeof found_in_window);
    memset(latency, 0, sizeof latency);
    memset(lateness, 0, sizeof lateness);
    memcpy(overflows_before, overflows, sizeof overflows);
    foreign = flooded = 0;
}

static void run(int starting, int warm, int frames, int flood, int is_stranger) {
    int64_t start = now_ns() + FRAME_NS;
    flooding = flood > 0;
    begin_ns = 0;
    for (int frame = 0; frame < starting + warm + frames; frame++) {
        int begun = frame < starting ? (int64_t)calls * (frame + 1) / starting : calls;
        for (int slice = 0; slice < SLICES; slice++) {
            int64_t due = start + (int64_t)frame * FRAME_NS + slice * (FRAME_NS / SLICES);
            receive_all();
            sleep_until(due);
            if (now_ns() - due > MOST_LATE_NS) {
                puts("behind");
                exit(3);
            }
            if (frame == starting + warm && slice == 0) {
                begin_ns = now_ns();
                puts("begin");
                fflush(stdout);
            }
            if (begin_ns) count_in(lateness, now_ns() - due);
            for (int side = 0; side < 2; side++) send_slice(slice, side, begun);
            if (flood) send_flood(flood / 50 / SLICES, is_stranger);
        }
    }
    sleep_until(start + (int64_t)(starting + warm + frames) * FRAME_NS);
    puts("end");
    fflush(stdout);
    for (int64_t until = now_ns() + STILL_NS; now_ns() < until; usleep(1000)) { /* what comes late is not lost */
        uint64_t before = foreign; /* as RTCP, which never ends, where two of our ports are neighbours */
        if ((uint64_t)receive_all() > foreign - before) until = now_ns() + STILL_NS;
    }
    print_counts();
}

int main(int argc, char **argv) {
    if (argc != 3 || (calls = atoi(argv[2])) < 1) {
        fprintf(stderr, "usage: media_load TRACK CALLS\n");
        return 2;
    }
    read_track(argv[1]);
    streams = calloc(2 * calls, sizeof *streams);
    stranger = open_socket();
    make_room(BATCH);
    for (int side = 0; side < 2; side++)
        for (int slice = 0; slice < SLICES; slice++)
            printf("%d%s", port_of(sockets[side][slice] = open_socket()), slice == SLICES - 1 ? "\n" : " ");
    fflush(stdout);
    read_calls();
    char command[16];
    while (scanf("%15s", command) == 1) {
        int starting, warm, frames, flood, is_stranger;
        if (!strcmp(command, "forget"))
            forget();
        else if (!strcmp(command, "start") && scanf("%d", &starting) == 1)
            run(starting, 0, 0, 0, 0);
        else if (scanf("%d %d %d %d", &warm, &frames, &flood, &is_stranger) == 4)
            run(0, warm, frames, flood, is_stranger);
    }
    return 0;
}
