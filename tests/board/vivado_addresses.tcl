# Addresses of a block design, as far as vivado_stubs.tcl has it: masters' spaces, and the processing system's segments.
# A master that reaches a port of a Zynq UltraScale+ sees the memory's lower 2 GiB there (DDR_LOW), and what lies above 4 GiB
# (DDR_HIGH) only with more than 32 address bits.

set ASSIGNED {}   ;# pairs of a space and a segment
set EXCLUDED {}

# The number of the port that a master reaches, and its cell, through SmartConnects of one master side.
proc reached {space} {
  if {![dict exists $::JOINED $space]} { wrong "$space is joined to nothing" }
  lassign [split [dict get $::JOINED $space] /] cell pin
  if {[dict get $::CELLS $cell] eq "smartconnect"} { return [reached $cell/M00_AXI] }
  if {![regexp {^S_AXI_HP(\d)} $pin _ number]} { wrong "$space reaches $cell/$pin" }
  return [list $cell $number]
}
proc get_bd_addr_spaces {space} {
  lassign [split $space /] cell pin
  if {$pin ni $::INTERFACES([dict get $::CELLS $cell]) || ![is_master $space]} { wrong "no address space $space" }
  return $space
}
proc get_bd_addr_segs {args} {
  set segment [lindex $args end]
  if {![regexp {^(\w+)/SAXIGP(\d)/HP(\d)_DDR_(LOW|HIGH)$} $segment _ cell slave number]} { wrong "no segment $segment" }
  if {[dict get $::CELLS $cell] ne "zynq_ultra_ps_e" || $slave != $number + 2 || ![is_there $cell S_AXI_HP${number}_FPD]} {
    wrong "no segment $segment"
  }
  return $segment
}
proc pair {space segment} {
  lassign [reached $space] cell number
  if {![string match "$cell/*/HP${number}_*" $segment]} { wrong "$space does not reach $segment" }
  return [list $space $segment]
}
proc assign_bd_address {args} {
  if {![llength $args]} {
    step assign_bd_address
    foreach space [masters] { check_high $space }
    return
  }
  lassign $args _ offset _ range _ space segment
  if {[lindex $args 0] ne "-offset" || [lindex $args 2] ne "-range" || [lindex $args 4] ne "-target_address_space"} {
    wrong "assign_bd_address $args"
  }
  if {$offset != 0 || $range ne "2G"} { wrong "$segment at $offset, $range" }
  lappend ::ASSIGNED [pair $space $segment]
}
proc exclude_bd_addr_seg {flag space segment} {
  if {$flag ne "-target_address_space"} { wrong "exclude_bd_addr_seg $flag" }
  lappend ::EXCLUDED [pair $space $segment]
}
# Masters of the accelerator and of the DMA, to memory.
proc masters {} {
  set found {}
  dict for {cell kind} $::CELLS {
    if {$kind ni {accelerator axi_dma}} { continue }
    foreach pin $::INTERFACES($kind) {
      if {[regexp {^(m_axi_|M_AXI_)} $pin]} { lappend found $cell/$pin }
    }
  }
  return $found
}
# What has not been assigned is now: the memory above needs more than 32 bits, or is excluded.
proc check_high {space} {
  lassign [reached $space] ps number
  if {[dict get $::CELLS $ps] ne "zynq_ultra_ps_e"} { return }
  set cell [lindex [split $space /] 0]
  if {[dict exists $::SETTINGS $cell/c_addr_width]} {
    set bits [dict get $::SETTINGS $cell/c_addr_width]
  } else {
    set bits 32
  }
  if {$bits >= 36} { return }
  set segment $ps/SAXIGP[expr {$number + 2}]/HP${number}_DDR
  if {[list $space ${segment}_HIGH] ni $::EXCLUDED} { wrong "$space has $bits address bits: no room for ${segment}_HIGH" }
  if {[list $space ${segment}_LOW] ni $::ASSIGNED} { wrong "$space has no memory" }
}
