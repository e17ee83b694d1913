# An image with NVIDIA's kernel modules baked in, parked, when feature_flags names
# NVIDIA_CUDA_PREBAKE; else the base image as it was. README.md beside it explains the variables.

variable "feature_flags" {
  description = "Words between commas. Only with NVIDIA_CUDA_PREBAKE among them is anything baked."
  type        = string
  default     = ""
}

variable "inputs" {
  description = "Folder with prebake, prebake-node and source/, perhaps cache/, userspace.tar, sign.key and sign.crt."
  type        = string
}

variable "kernel" {
  description = "The kernel that nodes will boot; empty: the only one in the image."
  type        = string
  default     = ""
}

variable "driver_kind" {
  type    = string
  default = "cuda"
}

variable "compat_marker" {
  description = "Where tools that know of no parked bakes look for a marker; it is there while the bake is active."
  type        = string
  default     = ""
}

variable "base_image" {
  description = "Disk image to begin with."
  type        = string
}

variable "base_checksum" {
  description = "As packer's iso_checksum: sha256:…, or none."
  type        = string
  default     = "none"
}

variable "base_format" {
  type    = string
  default = "qcow2"
}

variable "output" {
  description = "Folder for the new image and the record of the bake; must not exist yet."
  type        = string
}

variable "ssh_username" {
  type    = string
  default = "root"
}

variable "ssh_private_key_file" {
  type = string
}

variable "accelerator" {
  type    = string
  default = "kvm"
}

variable "qemuargs" {
  description = "More arguments for qemu: [[\"-kernel\", \"vmlinuz\"], …] for an image without a boot loader."
  type        = list(list(string))
  default     = []
}

source "qemu" "node" {
  iso_url              = var.base_image
  iso_checksum         = var.base_checksum
  disk_image           = true
  skip_resize_disk     = true
  format               = var.base_format
  output_directory     = var.output
  vm_name              = "node.${var.base_format}"
  accelerator          = var.accelerator
  cpus                 = 2
  memory               = 2048
  disk_cache           = "unsafe"
  headless             = true
  boot_wait            = "-1s"
  qemuargs             = var.qemuargs
  ssh_username         = var.ssh_username
  ssh_private_key_file = var.ssh_private_key_file
  ssh_timeout          = "10m"
  shutdown_command     = "$(command -v sudo) poweroff"
}

build {
  sources = ["source.qemu.node"]

  # Whatever else goes into the image comes before these: the bake is sealed as it is captured.
  provisioner "shell" {
    inline = ["mkdir -m 0700 /tmp/prebake"]
  }

  provisioner "file" {
    source      = "${var.inputs}/"
    destination = "/tmp/prebake"
  }

  provisioner "shell" {
    script = "${path.root}/provision-prebake"
    environment_vars = [
      "FEATURE_FLAGS=${var.feature_flags}",
      "PREBAKE_KERNEL=${var.kernel}",
      "PREBAKE_DRIVER_KIND=${var.driver_kind}",
      "PREBAKE_COMPAT_MARKER=${var.compat_marker}",
    ]
    execute_command = "chmod +x {{ .Path }}; $(command -v sudo) env {{ .Vars }} {{ .Path }}"
  }
}
