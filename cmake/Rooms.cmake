# A room is one folder of provisioner/ and one target. Its headers are visible as "<room>/<file>" only to targets that
# link it: the include path of a room holds a single link to its folder, so an arrow that should not exist fails to
# compile. Relative includes that would climb out of a room are refused by `tools/dev lint`.
function(drover_expose target room)
    set(path ${CMAKE_BINARY_DIR}/rooms/${target})
    file(MAKE_DIRECTORY ${path})
    file(CREATE_LINK ${CMAKE_SOURCE_DIR}/provisioner/${room} ${path}/${room} SYMBOLIC)
    target_include_directories(${target} PUBLIC ${path})
endfunction()

# drover_room(<room> SOURCES a.cpp ... LINK targets...) makes the static library drover_<room>.
function(drover_room room)
    cmake_parse_arguments(ROOM "" "" "SOURCES;LINK" ${ARGN})
    add_library(drover_${room} STATIC ${ROOM_SOURCES})
    drover_expose(drover_${room} ${room})
    target_link_libraries(drover_${room} PUBLIC ${ROOM_LINK})
endfunction()

# drover_uses_soci(<room>): the room includes SOCI's headers, and so do those that link it.
function(drover_uses_soci room)
    target_include_directories(drover_${room} PUBLIC ${SOCI_INCLUDE})
    # SOCI keeps the type information of its classes to itself: the check of virtual calls would not link.
    if(DROVER_SANITIZE MATCHES undefined)
        target_compile_options(drover_${room} PUBLIC -fno-sanitize=vptr)
    endif()
endfunction()
