// Drives a verilated block with an event every clock and compares every output of every event.
//
//   harness INPUTS OUTPUTS CONFIGURATION
//
// CONFIGURATION: per phase the number of events (8 bytes, little-endian) and the value of every configuration port.
// INPUTS, OUTPUTS: per event the value of every port. Every value is little-endian and fills whole bytes, in the order
// of ports.h. Prints one line of JSON.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "Vharness.h"
#include "ports.h"  // LATENCY, EVENT_INPUTS, OUTPUTS, CONFIGURATION: X(port, bytes)
#include "verilated.h"

namespace {

constexpr int kResetClocks = 4;
constexpr std::size_t kBlock = 4096;  // events that are read at once

#define ADD(port, bytes) +(bytes)
constexpr std::size_t kInputBytes = 0 EVENT_INPUTS(ADD);
constexpr std::size_t kOutputBytes = 0 OUTPUTS(ADD);
constexpr std::size_t kConfigurationBytes = 0 CONFIGURATION(ADD);
#undef ADD

struct Reader {
    explicit Reader(const char* path) : file(std::fopen(path, "rb")) {
        if (!file) { std::perror(path); std::exit(2); }
    }
    ~Reader() { std::fclose(file); }
    void read(void* to, std::size_t bytes) {
        if (std::fread(to, 1, bytes, file) != bytes) { std::fprintf(stderr, "input ends early\n"); std::exit(2); }
    }
    bool more() {
        const int c = std::fgetc(file);
        if (c == EOF) return false;
        std::ungetc(c, file);
        return true;
    }
    std::FILE* file;
};

VerilatedContext context;
Vharness* top;

void clock_up() { top->clk = 1; top->eval(); }
void clock_down() { top->clk = 0; top->eval(); }

void clocks(int count) {
    for (int i = 0; i < count; ++i) { clock_up(); clock_down(); }
}

// Verilator keeps a port little-endian in an integer or in 32-bit words, unused bits zero.
void configure(const std::uint8_t* from) {
#define SET(port, bytes) std::memcpy(&top->port, from, bytes); from += bytes;
    CONFIGURATION(SET)
    top->load = 1; top->eval();
    top->load = 0; top->eval();
}

void drive(const std::uint8_t* from) {
    EVENT_INPUTS(SET)
    (void)from;
}

// The name of the first port that differs, or null.
const char* difference(const std::uint8_t* from) {
#define CHECK(port, bytes) if (std::memcmp(&top->port, from, bytes)) return #port; from += bytes;
    OUTPUTS(CHECK)
    return nullptr;
}

struct Result {
    std::uint64_t sent = 0, compared = 0, mismatches = 0, surplus = 0, late = 0, first = 0;
    const char* port = nullptr;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) { std::fprintf(stderr, "usage: harness INPUTS OUTPUTS CONFIGURATION\n"); return 2; }
    Reader inputs(argv[1]), outputs(argv[2]), configuration(argv[3]);
    const auto owner = std::make_unique<Vharness>(&context);
    top = owner.get();
    top->rst_n = 0; top->in_valid = 0; top->load = 0;
    clock_down();
    clocks(2);
    top->rst_n = 1;
    clocks(kResetClocks);

    Result result;
    std::vector<std::uint8_t> settings(kConfigurationBytes);
    std::vector<std::uint8_t> in(kBlock * kInputBytes), golden(kBlock * kOutputBytes);
    const auto start = std::chrono::steady_clock::now();
    while (configuration.more()) {
        std::uint64_t events = 0;
        configuration.read(&events, sizeof events);
        configuration.read(settings.data(), settings.size());
        configure(settings.data());
        std::uint64_t taken = 0, given = 0;
        std::size_t in_at = kBlock, out_at = kBlock;
        for (std::uint64_t clock = 0; clock < events + LATENCY + 4; ++clock) {
            if (taken < events) {
                if (in_at == kBlock) {
                    inputs.read(in.data(), std::min<std::uint64_t>(kBlock, events - taken) * kInputBytes);
                    in_at = 0;
                }
                drive(&in[in_at++ * kInputBytes]);
                ++taken;
            }
            top->in_valid = clock < events;
            clock_down();
            if (top->out_valid) {
                if (given == events) {
                    ++result.surplus;
                } else {
                    if (out_at == kBlock) {
                        outputs.read(golden.data(), std::min<std::uint64_t>(kBlock, events - given) * kOutputBytes);
                        out_at = 0;
                    }
                    if (clock != given + LATENCY) ++result.late;
                    const char* port = difference(&golden[out_at++ * kOutputBytes]);
                    if (port && !result.mismatches++) { result.first = result.sent + given; result.port = port; }
                    ++given;
                }
            }
            clock_up();
        }
        result.sent += events;
        result.compared += given;
        if (given < events) break;  // the golden outputs no longer belong to the events
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::printf(
        "{\"sent\": %llu, \"compared\": %llu, \"mismatches\": %llu, \"surplus\": %llu, \"late\": %llu, "
        "\"first_event\": %llu, \"first_port\": \"%s\", \"seconds\": %.6f}\n",
        static_cast<unsigned long long>(result.sent), static_cast<unsigned long long>(result.compared),
        static_cast<unsigned long long>(result.mismatches), static_cast<unsigned long long>(result.surplus),
        static_cast<unsigned long long>(result.late), static_cast<unsigned long long>(result.first),
        result.port ? result.port : "", seconds);
    return 0;
}
