# The connectors as custom source definitions, and a connection from Close to an existing destination.
# docs/airbyte-oss.md says more; the images must be where the cluster finds them before `terraform apply`.

terraform {
  required_version = ">= 1.5"

  required_providers {
    airbyte = {
      source  = "airbytehq/airbyte"
      version = "~> 1.2"
    }
  }
}

provider "airbyte" {
  server_url    = "${var.airbyte_url}/api/public/v1/"
  token_url     = "${var.airbyte_url}/api/public/v1/applications/token"
  client_id     = var.client_id
  client_secret = var.client_secret
}

# A new version changes a definition in place. Another repository would replace it, and with it sources and connections.
resource "airbyte_source_definition" "connector" {
  for_each = local.metadata

  workspace_id      = var.workspace_id
  name              = each.value.name
  docker_repository = "${var.image_prefix}${each.value.dockerRepository}"
  docker_image_tag  = each.value.dockerImageTag
  documentation_url = each.value.documentationUrl

  lifecycle {
    # Another URL would replace the definition too.
    ignore_changes = [documentation_url]
  }
}

resource "airbyte_source" "close" {
  workspace_id  = var.workspace_id
  name          = "Close"
  definition_id = airbyte_source_definition.connector["closeio"].id

  configuration = jsonencode({
    credentials = { auth_type = "api_key", api_key = var.close_api_key }
    start_date  = "2024-01-01"
  })

  resource_allocation = {
    job_specific = [
      for job in local.metadata["closeio"].resourceRequirements.jobSpecific : {
        job_type              = job.jobType
        resource_requirements = job.resourceRequirements
      }
    ]
  }

  # With OAuth (Outreach, or Close by OAuth) the connector's rotated refresh token is kept in Airbyte's copy of the
  # configuration. Terraform must not put the old one back:
  #
  # lifecycle {
  #   ignore_changes = [configuration]
  # }
}

resource "airbyte_connection" "close" {
  name           = "Close"
  source_id      = airbyte_source.close.source_id
  destination_id = var.destination_id
  prefix         = "close_"

  schedule = {
    schedule_type   = "cron"
    cron_expression = "0 0 * * * ? UTC"
  }

  configurations = {
    streams = [
      { name = "leads", sync_mode = "incremental_deduped_history" },
      { name = "opportunities", sync_mode = "incremental_deduped_history" },
      { name = "activities", sync_mode = "incremental_deduped_history" },
      { name = "users", sync_mode = "full_refresh_overwrite" },
    ]
  }
}

output "definition_ids" {
  value = { for name, definition in airbyte_source_definition.connector : name => definition.id }
}
