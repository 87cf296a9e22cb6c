#include "storage/kernel_split.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "storage/durable.hpp"

namespace drover {
namespace {

// Where the header of a kernel's file has its fields.
constexpr std::size_t setup_sectors = 0x1f1, header_magic = 0x202, protocol = 0x206, load_flags = 0x211,
                      relocatable = 0x234, header_end = 0x238;
constexpr std::uint16_t oldest_protocol = 0x020a;
constexpr std::size_t sector = 512, page = 4096;
constexpr unsigned char loaded_high = 1;
constexpr mode_t for_all_to_read = 0644;

/// What is left of a kernel at 1 MiB. It is entered as any is: 32 bits, flat segments, no paging, no interrupts, %esi
/// at the boot parameters, of which 0x218 says where the initrd begins and 0x21c how long it is. The kernel goes to 2
/// MiB: that is aligned as it asks for, clear of what QEMU appends to us, and a kernel unpacks itself at 16 MiB at the
/// lowest.
constexpr std::array<unsigned char, 48> fetch_kernel = {
    0xfc,                                //  0  cld
    0x89, 0xf3,                          //  1  mov   %esi, %ebx
    0x8b, 0xb3, 0x18, 0x02, 0x00, 0x00,  //  3  mov   0x218(%ebx), %esi
    0xbf, 0x00, 0x00, 0x20, 0x00,        //  9  mov   $0x200000, %edi
    0xb9, 0x00, 0x00, 0x00, 0x00,        // 14  mov   $(size / 4), %ecx
    0xf3, 0xa5,                          // 19  rep movsl
    0x89, 0xb3, 0x18, 0x02, 0x00, 0x00,  // 21  mov   %esi, 0x218(%ebx)
    0x81, 0xab, 0x1c, 0x02, 0x00, 0x00,  // 27  subl  $size, 0x21c(%ebx)
    0x00, 0x00, 0x00, 0x00,              // 33
    0x89, 0xde,                          // 37  mov   %ebx, %esi
    0xb8, 0x00, 0x00, 0x20, 0x00,        // 39  mov   $0x200000, %eax
    0xff, 0xe0,                          // 44  jmp   *%eax
    0x90, 0x90};                         // 46  nop
constexpr std::size_t at_count = 15, at_size = 33;

void put(std::string& code, std::size_t at, std::uint32_t value) {
    std::memcpy(code.data() + at, &value, sizeof value);
}

std::string fetch_of(std::size_t size) {
    std::string code(fetch_kernel.begin(), fetch_kernel.end());
    put(code, at_count, static_cast<std::uint32_t>(size / 4));
    put(code, at_size, static_cast<std::uint32_t>(size));
    return code;
}

std::size_t setup_size(std::string_view kernel) {
    return (static_cast<unsigned char>(kernel[setup_sectors]) + std::size_t{1}) * sector;
}

bool can_be_split(std::string_view kernel) {
    if (kernel.size() < header_end || kernel.substr(header_magic, 4) != "HdrS" || kernel[setup_sectors] == 0)
        return false;
    std::uint16_t version = 0;
    std::memcpy(&version, kernel.data() + protocol, sizeof version);
    return version >= oldest_protocol && (static_cast<unsigned char>(kernel[load_flags]) & loaded_high) != 0 &&
           kernel[relocatable] != 0 && kernel.size() > setup_size(kernel) + page;
}

void replace(const std::filesystem::path& file, const std::string& bytes) {
    std::filesystem::remove(file);
    write_new_file(file, bytes, for_all_to_read);
}

}  // namespace

void split_kernel(const std::filesystem::path& kernel_file, const std::filesystem::path& initrd_file) {
    const auto kernel = read_file(kernel_file), initrd = read_file(initrd_file);
    if (!can_be_split(kernel) || initrd.empty()) return;
    const auto setup = setup_size(kernel);
    auto moved = kernel.substr(setup);
    moved.resize((moved.size() + page - 1) / page * page);
    replace(kernel_file, kernel.substr(0, setup) + fetch_of(moved.size()));
    replace(initrd_file, moved + initrd);
}

}  // namespace drover
