{{/* What the operator does in a namespace of categories. Secrets are made and go with their Jobs; none is read. */}}
{{- define "artgrab.operator.rules" -}}
- apiGroups: [artgrab.dev]
  resources: [artcategories]
  verbs: [get, list, watch, patch]
- apiGroups: [artgrab.dev]
  resources: [artcategories/status]
  verbs: [patch]
{{ include "artgrab.operator.jobRules" . }}
- apiGroups: [""]
  resources: [secrets]
  verbs: [create]
{{- end -}}

{{- define "artgrab.operator.jobRules" -}}
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}
