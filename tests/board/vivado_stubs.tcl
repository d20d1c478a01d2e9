# What vivado.tcl asks of Vivado, as far as it can be checked without it: commands, IPs, their pins and parameters as
# AMD's product guides name them (PG021 AXI DMA, PG164 reset, PG099 interrupt controller, PG247 SmartConnect, PG082 and
# PG201 processing systems). Whatever is not known here is an error. Addresses: vivado_addresses.tcl.

set FAILED {}
proc wrong {text} { error "vivado: $text" }

# ---- IPs: interface pins, pins that must be driven, other pins, parameters
array set INTERFACES {
  processing_system7 {M_AXI_GP0 S_AXI_HP0 S_AXI_HP2}
  zynq_ultra_ps_e    {M_AXI_HPM0_FPD S_AXI_HP0_FPD S_AXI_HP1_FPD S_AXI_HP3_FPD}
  axi_dma            {S_AXI_LITE M_AXI_MM2S M_AXI_S2MM M_AXIS_MM2S S_AXIS_S2MM}
  proc_sys_reset     {}
  axi_intc           {s_axi}
  smartconnect       {S00_AXI S01_AXI M00_AXI M01_AXI M02_AXI}
  accelerator        {}
}
array set INPUTS {
  processing_system7 {M_AXI_GP0_ACLK S_AXI_HP0_ACLK S_AXI_HP2_ACLK IRQ_F2P}
  zynq_ultra_ps_e    {maxihpm0_fpd_aclk saxihp0_fpd_aclk saxihp1_fpd_aclk saxihp3_fpd_aclk pl_ps_irq0}
  axi_dma            {s_axi_lite_aclk m_axi_mm2s_aclk m_axi_s2mm_aclk axi_resetn}
  proc_sys_reset     {slowest_sync_clk ext_reset_in}
  axi_intc           {s_axi_aclk s_axi_aresetn intr}
  smartconnect       {aclk aresetn}
  accelerator        {aclk aresetn}
}
array set OUTPUTS {
  processing_system7 {FCLK_CLK0 FCLK_RESET0_N}
  zynq_ultra_ps_e    {pl_clk0 pl_resetn0}
  axi_dma            {mm2s_introut s2mm_introut}
  proc_sys_reset     {peripheral_aresetn interconnect_aresetn}
  axi_intc           {irq}
  smartconnect       {}
  accelerator        {interrupt}
}
array set PARAMETERS {
  processing_system7 {PCW_USE_M_AXI_GP0 PCW_USE_S_AXI_HP0 PCW_S_AXI_HP0_DATA_WIDTH PCW_USE_S_AXI_HP2 PCW_S_AXI_HP2_DATA_WIDTH
                      PCW_USE_FABRIC_INTERRUPT PCW_IRQ_F2P_INTR PCW_EN_CLK0_PORT PCW_FPGA0_PERIPHERAL_FREQMHZ}
  zynq_ultra_ps_e    {PSU__USE__M_AXI_GP0 PSU__USE__M_AXI_GP1 PSU__USE__M_AXI_GP2 PSU__USE__S_AXI_GP2 PSU__SAXIGP2__DATA_WIDTH
                      PSU__USE__S_AXI_GP3 PSU__SAXIGP3__DATA_WIDTH PSU__USE__S_AXI_GP5 PSU__SAXIGP5__DATA_WIDTH
                      PSU__USE__IRQ0 PSU__FPGA_PL0_ENABLE PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ}
  axi_dma            {c_include_sg c_sg_length_width c_include_mm2s c_include_s2mm c_m_axis_mm2s_tdata_width c_addr_width}
  proc_sys_reset     {}
  axi_intc           {}
  smartconnect       {NUM_SI NUM_MI}
  accelerator        {}
}
# Pins that are there with a setting alone: pin -> setting.
set OPTIONAL [dict create]
foreach number {0 2} {
  foreach pin [list S_AXI_HP$number S_AXI_HP${number}_ACLK] { dict set OPTIONAL $pin PCW_USE_S_AXI_HP$number }
}
foreach number {0 1 3} {
  foreach pin [list S_AXI_HP${number}_FPD saxihp${number}_fpd_aclk] {
    dict set OPTIONAL $pin PSU__USE__S_AXI_GP[expr {$number + 2}]
  }
}
set CELLS [dict create]      ;# name -> kind
set DRIVEN [dict create]     ;# pin -> what drives it
set JOINED [dict create]     ;# interface pin -> the other one
set SETTINGS [dict create]
set PACKAGED ""
set STEPS {}

proc step {name} { lappend ::STEPS $name }

# ---- projects
proc create_project {args} { step create_project }
proc close_project {} {}
proc current_project {} { return project }
proc current_fileset {} { return fileset }
proc add_files {flag files} {
  if {$flag ne "-norecurse"} { wrong "add_files $flag" }
  foreach file $files {
    if {![file isfile $file]} { wrong "add_files: no file $file" }
    lappend ::ADDED $file
  }
}
proc set_property {args} {
  if {[lindex $args 0] eq "-dict"} {
    lassign $args _ pairs object
    foreach {name value} $pairs {
      if {![regsub {^CONFIG\.} $name {} parameter]} { wrong "property $name" }
      set kind [dict get $::CELLS $object]
      if {$parameter ni $::PARAMETERS($kind)} { wrong "$kind has no parameter $parameter" }
      if {[regexp {_DATA_WIDTH$} $parameter] && $value ni {32 64 128}} { wrong "$parameter is $value" }
      dict set ::SETTINGS $object/$parameter $value
    }
    return
  }
  lassign $args name value object
  if {$name ni {top name version display_name board_part ip_repo_paths}} { wrong "property $name" }
  if {$object eq "core" && $name eq "name"} { set ::PACKAGED $value; infer_interfaces }
}
# Interfaces as the packager infers them, by the names of the top's ports.
proc infer_interfaces {} {
  foreach file $::ADDED {
    if {[file tail $file] ne "$::PACKAGED.v"} { continue }
    set channel [open $file]
    set text [read $channel]
    close $channel
    foreach {_ name} [regexp -all -inline {(?:input |output) wire[^,]*? ([sm]_axi[a-z_]*?)_(?:tvalid|arvalid)} $text] {
      lappend ::INTERFACES(accelerator) $name
    }
    return
  }
  wrong "the top $::PACKAGED is in no file"
}
proc get_property {name object} {
  return [dict get {PROGRESS 100% SLACK 0.5} $name]
}
proc update_compile_order {flag set} {}
proc get_board_parts {flag pattern} { return $::BOARD_FILES }
proc update_ip_catalog {} {}
proc get_ipdefs {pattern} {
  if {![regexp {^xilinx\.com:ip:(\w+):\*$} $pattern _ kind]} { wrong "get_ipdefs $pattern" }
  if {![info exists ::PARAMETERS($kind)]} { return {} }
  return [list "xilinx.com:ip:$kind:1.9" "xilinx.com:ip:$kind:1.10"]
}

# ---- packaging
namespace eval ipx {
  proc package_project {args} {
    foreach {flag value} {-vendor repvgg-hw -library user -taxonomy /UserIP} {
      if {[lindex $args [lsearch $args $flag]+1] ne $value} { wrong "package_project $flag" }
    }
  }
  proc current_core {} { return core }
  proc update_checksums {core} {}
  proc save_core {core} { step save_core }
}

# ---- block design
proc create_bd_design {name} { step create_bd_design }
proc create_bd_cell {args} {
  lassign $args t ip v vlnv name
  if {"$t $ip $v" ne "-type ip -vlnv"} { wrong "create_bd_cell $args" }
  lassign [split $vlnv :] vendor library kind version
  if {$vendor eq "repvgg-hw"} {
    if {$kind ne $::PACKAGED || $version ne "1.0"} { wrong "no IP $vlnv" }
    set kind accelerator
  } elseif {$version ne "1.10"} { wrong "$vlnv is not the newest" }
  dict set ::CELLS $name $kind
  return $name
}
proc get_bd_cells {name} { dict get $::CELLS $name; return $name }
proc apply_bd_automation {args} {
  lassign $args _ rule _ config cell
  if {$rule ne "xilinx.com:bd_rule:[dict get $::CELLS $cell]"} { wrong "rule $rule for $cell" }
  dict size $config
}
proc is_there {cell pin} {
  if {![dict exists $::OPTIONAL $pin]} { return 1 }
  set setting $cell/[dict get $::OPTIONAL $pin]
  return [expr {[dict exists $::SETTINGS $setting] && [dict get $::SETTINGS $setting]}]
}
proc find {pin table} {
  lassign [split $pin /] cell name
  if {![dict exists $::CELLS $cell]} { wrong "no cell $cell" }
  set kind [dict get $::CELLS $cell]
  foreach group $table {
    upvar #0 $group pins
    if {$name in $pins($kind) && [is_there $cell $name]} { return $group }
  }
  wrong "$kind has no pin $name"
}
proc get_bd_intf_pins {pin} {
  find $pin INTERFACES
  lassign [split $pin /] cell name
  if {[regexp {^([SM])0?(\d+)_AXI$} $name _ side number]} {
    set ports [dict get $::SETTINGS $cell/NUM_[expr {$side eq "S" ? "SI" : "MI"}]]
    if {$number >= $ports} { wrong "$cell has $ports of its $side ports, not $name" }
  }
  return $pin
}
proc get_bd_pins {pin} { find $pin {INPUTS OUTPUTS}; return $pin }
proc is_master {pin} { return [regexp {/(M_AXI|M\d\d_AXI|M_AXIS|m_axis|m_axi)} $pin] }
proc connect_bd_intf_net {one other} {
  if {[is_master $one] == [is_master $other]} { wrong "$one and $other are of the same side" }
  foreach pin [list $one $other] {
    if {[dict exists $::JOINED $pin]} { wrong "$pin is connected twice" }
  }
  dict set ::JOINED $one $other
  dict set ::JOINED $other $one
}
proc connect_bd_net {from to} {
  if {[find $from {INPUTS OUTPUTS}] ne "OUTPUTS"} { wrong "$from drives nothing" }
  if {[find $to {INPUTS OUTPUTS}] ne "INPUTS"} { wrong "$to is driven already" }
  if {[dict exists $::DRIVEN $to]} { wrong "$to is driven twice" }
  dict set ::DRIVEN $to $from
}
proc validate_bd_design {} {
  step validate_bd_design
  dict for {cell kind} $::CELLS {
    foreach pin $::INPUTS($kind) {
      if {[is_there $cell $pin] && ![dict exists $::DRIVEN $cell/$pin]} { wrong "nothing drives $cell/$pin" }
    }
    foreach pin $::INTERFACES($kind) {
      if {$kind ne "smartconnect" && [is_there $cell $pin] && ![dict exists $::JOINED $cell/$pin]} { wrong "$cell/$pin is open" }
    }
  }
  dict for {cell kind} $::CELLS {
    if {$kind ne "smartconnect"} { continue }
    foreach {side count} {S NUM_SI M NUM_MI} {
      for {set i 0} {$i < [dict get $::SETTINGS $cell/$count]} {incr i} {
        if {![dict exists $::JOINED $cell/${side}0${i}_AXI]} { wrong "$cell/${side}0${i}_AXI is open" }
      }
    }
  }
}
proc save_bd_design {} {}
source [file join [file dirname [info script]] vivado_addresses.tcl]

# ---- the bitstream
proc get_files {name} { return $name }
proc make_wrapper {args} { step make_wrapper }
proc launch_runs {args} { step launch_runs }
proc wait_on_run {run} {
  foreach place {project.runs/impl_1/system_wrapper.bit project.gen/sources_1/bd/system/hw_handoff/system.hwh} {
    set path [file join $::build project [string map [list project. $::name.] $place]]
    file mkdir [file dirname $path]
    close [open $path w]
  }
}
proc get_runs {name} { return $name }
proc open_run {name} {}
proc report_utilization {flag path} {}
proc report_timing_summary {flag path} {}
proc get_timing_paths {} { return path }
