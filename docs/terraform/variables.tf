variable "airbyte_url" {
  description = "The address of the UI, without a path."
  type        = string
  default     = "http://localhost:8000"
}

variable "client_id" {
  description = "Of an application in Airbyte (abctl local credentials)."
  type        = string
  sensitive   = true
}

variable "client_secret" {
  type      = string
  sensitive = true
}

variable "workspace_id" {
  description = "From the address of the UI: /workspaces/<id>."
  type        = string
}

variable "image_prefix" {
  description = "Where the cluster pulls the images from, with a slash at the end; empty for images loaded into kind."
  type        = string
  default     = ""
}

variable "close_api_key" {
  type      = string
  sensitive = true
}

variable "destination_id" {
  description = "An existing destination."
  type        = string
}

locals {
  connectors = ["closeio", "kustomer", "outreach", "persistiq"]
  # Names and versions as the connectors have them, so that an update of this repository is an update in Airbyte.
  metadata = {
    for name in local.connectors :
    name => yamldecode(file("${path.module}/../../connectors/source-${name}/metadata.yaml")).data
  }
}
