# halftone_add_plugin(NAME SOURCES... [LINK targets...] [SDK abi|sdk])
#
# One loadable plug-in that exports one symbol, ht_plugin_entry. The same call serves this tree and a plug-in built
# against an installed SDK. SDK is `sdk` (the C++20 layer) or `abi` (plain C, what sources in C alone get unless told otherwise).

function(halftone_add_plugin name)
  cmake_parse_arguments(arg "" "SDK" "LINK" ${ARGN})
  if(NOT arg_SDK)
    set(other_sources ${arg_UNPARSED_ARGUMENTS})
    list(FILTER other_sources EXCLUDE REGEX "\\.[ch]$")
    if(other_sources)
      set(arg_SDK sdk)
    else()
      set(arg_SDK abi)
    endif()
  endif()
  add_library(${name} MODULE ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE halftone::${arg_SDK} ${arg_LINK})
  target_link_options(${name} PRIVATE -Wl,-z,defs
    "-Wl,--version-script=${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin.version")
  set_target_properties(${name} PROPERTIES
    PREFIX "" SUFFIX ".so"
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    LINK_DEPENDS "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin.version")
  if(DEFINED HALFTONE_PLUGIN_SUBDIR) # inside the tree: where `halftone` of this build looks
    set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/${HALFTONE_PLUGIN_SUBDIR}")
    install(TARGETS ${name} LIBRARY DESTINATION "${HALFTONE_PLUGIN_SUBDIR}")
    set_property(GLOBAL APPEND PROPERTY HALFTONE_FIRST_PARTY_PLUGINS ${name})
  endif()
endfunction()

# halftone_add_text(TARGET SYMBOL FILE): the text of a file as `static const char SYMBOL[]` in SYMBOL.h, for C and C++.
function(halftone_add_text target symbol file)
  get_filename_component(file "${file}" ABSOLUTE)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
  file(READ "${file}" bytes HEX)
  # As bytes: a text in quotes may be no longer than 4095 in C.
  string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "(char)0x\\1," bytes "${bytes}")
  set(folder "${CMAKE_CURRENT_BINARY_DIR}/${target}_texts")
  file(CONFIGURE OUTPUT "${folder}/${symbol}.h" @ONLY CONTENT
    "/* Made from @file@ */\n#pragma once\nstatic const char @symbol@[] = {\n@bytes@0};\n")
  target_include_directories(${target} PRIVATE "${folder}")
endfunction()
