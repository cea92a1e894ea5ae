# halftone_add_plugin_test(NAME ARGS arguments... [PRINTS regex...] [FILE file [MATCHES regex...] [ENDS_WITH file]])
#
# A test of CTest that runs `halftone arguments... --plugin-path <build folder>` in that folder and wants exit code 0.
# Each PRINTS must match what the program prints. FILE is one that it writes, relative to the build folder: each MATCHES
# must match its text, and its last bytes must be those of the file ENDS_WITH. The regular expressions are CMake's, whose lists
# take no semicolons and no single square brackets.

function(halftone_add_plugin_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "FILE;ENDS_WITH" "ARGS;PRINTS;MATCHES")
  if(NOT arg_ARGS OR arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "halftone_add_plugin_test(${name}): give ARGS, PRINTS, FILE, MATCHES, ENDS_WITH; "
      "not '${arg_UNPARSED_ARGUMENTS}'")
  endif()
  if(NOT arg_PRINTS AND NOT arg_MATCHES AND NOT arg_ENDS_WITH)
    message(FATAL_ERROR "halftone_add_plugin_test(${name}): without PRINTS, MATCHES or ENDS_WITH it would prove nothing")
  endif()
  # Lists become one argument each: a semicolon would end it on the way.
  foreach(list ARGS PRINTS MATCHES)
    list(JOIN arg_${list} "\n" ${list})
  endforeach()
  add_test(NAME ${name} COMMAND "${CMAKE_COMMAND}" "-DPROGRAM=${HALFTONE_PROGRAM}" "-DARGS=${ARGS}"
    "-DFOLDER=${CMAKE_CURRENT_BINARY_DIR}" "-DPRINTS=${PRINTS}" "-DFILE=${arg_FILE}" "-DMATCHES=${MATCHES}"
    "-DENDS_WITH=${arg_ENDS_WITH}" -P "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/run_plugin_test.cmake")
endfunction()
