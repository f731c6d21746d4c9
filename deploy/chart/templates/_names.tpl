{{- define "pogu.labels" -}}
app.kubernetes.io/name: pogu
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "pogu.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "pogu.apiServer" -}}
{{- if .Values.apiServer.host }}
- {name: KUBERNETES_SERVICE_HOST, value: {{ .Values.apiServer.host | quote }}}
- {name: KUBERNETES_SERVICE_PORT, value: {{ .Values.apiServer.port | quote }}}
{{- end }}
{{- end }}

{{- /* Whether the lower address comes first is told by the controller: CEL does not compare addresses. */}}
{{- define "pogu.addresses" -}}
type: string
maxLength: 87
x-kubernetes-validations:
  - rule: >-
      isIP(self) || isCIDR(self) || (self.split('-').size() == 2 &&
      self.split('-').all(it, isIP(it.trim())))
    message: expected an address, a range such as 192.0.2.0/24, or 192.0.2.1-192.0.2.9
  - rule: >-
      !(self.split('-').size() == 2 && self.split('-').all(it, isIP(it.trim()))) ||
      ip(self.split('-')[0].trim()).family() == ip(self.split('-')[1].trim()).family()
    message: expected two addresses of one family
{{- end }}

{{- define "pogu.labelSelector" -}}
type: object
properties:
  matchLabels:
    type: object
    maxProperties: 64
    additionalProperties: {type: string, maxLength: 63}
  matchExpressions:
    type: array
    maxItems: 64
    items:
      type: object
      required: [key, operator]
      properties:
        key: {type: string, minLength: 1, maxLength: 317}
        operator: {type: string, enum: [In, NotIn, Exists, DoesNotExist]}
        values:
          type: array
          maxItems: 64
          items: {type: string, maxLength: 63}
      x-kubernetes-validations:
        - rule: "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)"
          message: expected values for In and NotIn, and none for Exists and DoesNotExist
{{- end }}
