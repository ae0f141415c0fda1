"""The scripts of yosys and abc."""

from __future__ import annotations

ELABORATE = """\
read_verilog {files}
hierarchy -check -top {top}
proc -noopt
opt_expr
opt_clean
opt_muxtree
opt_reduce
opt_merge
opt_expr
wreduce
peepopt
techmap -map compare.v t:$lt t:$le t:$gt t:$ge
alumacc
maccmap
opt_dff -nosdff
opt_expr
opt_muxtree
opt_reduce
opt_merge
opt_expr
memory_collect
memory_map
opt_clean
write_rtlil {out}
"""

MAP = """\
read_rtlil {coarse}
{apart}
read_liberty -lib {library}
techmap -map {cells}
hierarchy -top {top}
{gates}
techmap
opt_expr
opt_merge
opt_clean
dfflibmap -liberty {library}
abc -liberty {library} -script {script}
opt_clean -purge
hierarchy -top {top}
tee -q -o {stem}.txt stat
"""

WRITE = """\
write_verilog -noattr {stem}.v
write_json {stem}.json
"""

ABC = """\
strash
dc2
&get -n
&nf -R 8
&put
topo
buffer -p -N 32
upsize -D {target}
dnsize -D {target}
stime -p
"""
"""For area: one pass of rewriting, area-oriented mapping, no larger drive than the target (ps) asks for.

``buffer -c`` makes abc stop on an assertion in the IHP library.
"""

ABC_UNSIZED = """\
strash
dc2
&get -n
&nf -R 8
&put
topo
"""
"""The generic cells have one size each."""
