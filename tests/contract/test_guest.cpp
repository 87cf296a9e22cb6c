// A guest without an operating system: QEMU starts it as a multiboot kernel. Told "drover.probe" it switches itself off
// at once, else when the power button is pressed. It reads and writes nothing. The ports are those that QEMU's firmware
// gives to the power management of a q35 machine.

namespace {

constexpr unsigned multiboot_magic = 0x1badb002;

[[gnu::section(".text.header"), gnu::used, gnu::aligned(4)]] const unsigned header[] = {multiboot_magic, 0,
                                                                                        -multiboot_magic};

constexpr unsigned short status_port = 0x600, enable_port = 0x602, control_port = 0x604;
constexpr unsigned short power_button = 1 << 8, sleep_now = 1 << 13;

void out(unsigned short port, unsigned short value) { asm volatile("outw %0, %1" : : "a"(value), "d"(port)); }

unsigned short in(unsigned short port) {
    unsigned short value = 0;
    asm volatile("inw %1, %0" : "=a"(value) : "d"(port));
    return value;
}

bool starts_with(const char* text, const char* word) {
    for (; *word != 0; ++text, ++word)
        if (*text != *word) return false;
    return true;
}

bool has(const char* text, const char* word) {
    for (; *text != 0; ++text)
        if (starts_with(text, word)) return true;
    return false;
}

// What the loader tells: the kernel's parameters are at offset 16.
struct Information {
    unsigned flags, memory[2], device;
    const char* parameters;
};

}  // namespace

extern "C" [[gnu::used]] void run(const Information* information) {
    out(enable_port, power_button);
    if (!has(information->parameters, "drover.probe"))
        while ((in(status_port)&power_button) == 0) asm volatile("pause");
    out(control_port, sleep_now);
    for (;;) asm volatile("hlt");
}

// The address of the information comes in ebx; there is no stack yet.
asm(".globl _start\n_start: mov $0x180000, %esp\n push %ebx\n call run\n");
