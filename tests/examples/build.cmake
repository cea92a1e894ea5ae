# Builds an example as a plug-in author would, with nothing of this tree in sight but a copy of its folder.
cmake_minimum_required(VERSION 3.25)
file(REMOVE_RECURSE "${BUILD}" "${BUILD}-source")
file(COPY "${SOURCE}/" DESTINATION "${BUILD}-source")
set(warnings "")
if(WERROR)
  set(warnings -Werror)
endif()
set(flags "-DCMAKE_PREFIX_PATH=${PREFIX}" "-DCMAKE_CXX_COMPILER=${CXX}" "-DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}"
  -DCMAKE_BUILD_TYPE=Release "-DCMAKE_CXX_FLAGS=${warnings}")
if(SANITIZE) # a plain library in a program with sanitizers, or the reverse, does not load
  list(APPEND flags "-DCMAKE_CXX_FLAGS=${warnings} -fsanitize=${SANITIZE}")
endif()
execute_process(COMMAND "${CMAKE_COMMAND}" -G "${GENERATOR}" -S "${BUILD}-source" -B "${BUILD}" ${flags}
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_COMMAND}" --build "${BUILD}" COMMAND_ERROR_IS_FATAL ANY)
