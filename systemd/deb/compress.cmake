# SPDX-License-Identifier: BSD-2-Clause
# Before the package is packed: manual pages and changelog are compressed, as Debian's policy wants (12.1, 12.7).
file(GLOB_RECURSE files ${CPACK_TEMPORARY_DIRECTORY}/*.1 ${CPACK_TEMPORARY_DIRECTORY}/*.5 ${CPACK_TEMPORARY_DIRECTORY}/*/changelog)
foreach(file ${files})
  execute_process(COMMAND gzip -9nf ${file} RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "gzip failed: ${file}")
  endif()
endforeach()
