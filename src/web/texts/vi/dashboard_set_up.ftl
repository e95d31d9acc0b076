### Lần chạy đầu tiên, và chỗ đăng nhập.

sign-in-title = Đăng nhập
sign-in-name = Tên
sign-in-password = Mật khẩu
sign-in-code = Mã một lần
sign-in-code-hint = Chỉ cần khi đã bật mã một lần: sáu chữ số trong ứng dụng xác thực trên điện thoại.
sign-in-button = Đăng nhập
sign-in-children = Trang này dành cho phụ huynh.
sign-in-portal = Trang của con

set-up-step = Bước { $number }/5
set-up-next = Tiếp tục
set-up-back = Quay lại
set-up-save-next = Lưu và tiếp tục
set-up-new-tab = (mở thẻ mới)

set-up-guardian-title = Chào mừng đến với Lũy Tre
set-up-guardian-lead = Trước hết, hãy tạo tài khoản cho người giám hộ: bố, mẹ, hoặc người chăm sóc các con. Chỉ tài khoản này đổi được các quy tắc trong nhà.
set-up-name = Tên của bạn
set-up-name-hint = Tên các con vẫn gọi, ví dụ “Mẹ” hay “Bố”. Các con sẽ thấy tên này khi bạn đổi quy tắc.
set-up-password = Mật khẩu
set-up-password-hint = Ít nhất 8 ký tự. Bốn hay năm từ ghép lại thành một câu vui dễ nhớ hơn và khó đoán hơn một từ có thêm số.
set-up-again = Nhập lại mật khẩu
set-up-differs = Hai lần nhập không giống nhau. Hãy gõ lại.
set-up-local = Trang này chỉ mở được từ trong nhà, và chỉ khi chưa có người giám hộ nào.

set-up-children-title = Nhà mình có những ai?
set-up-children-lead = Mỗi con có quy tắc theo tuổi. Chỉ cần năm sinh: khi con lớn lên, quy tắc tự nới ra theo.
set-up-people = Đang có
set-up-born-in = sinh năm { $year }
set-up-remove = Bỏ
set-up-remove-hint = Khi bỏ một người, thiết bị của người đó theo quy tắc của bé nhỏ tuổi nhất cho đến khi bạn chọn lại.
set-up-add-child = Thêm con
set-up-child-name = Tên của con
set-up-child-born = Năm sinh
set-up-born-hint = Tuổi được tính theo năm. Không cần ngày sinh, và năm sinh không rời khỏi máy này.
set-up-add-child-button = Thêm con
set-up-no-year = Hãy nhập một năm từ { $from } đến { $to }.
set-up-adults = Phụ huynh
set-up-adults-lead = Thiết bị của người lớn không bị chặn theo tuổi. Chỉ trang lừa đảo và mã độc vẫn bị chặn.
set-up-adults-name = Tên chung cho người lớn
set-up-adults-default = Bố mẹ
set-up-add-adults = Thêm phụ huynh

set-up-devices-title = Thiết bị nào của ai?
set-up-devices-lead = Đây là những thiết bị máy này nhìn thấy trong nhà. Thiết bị nào chưa rõ thì cứ để trống, lúc khác chọn cũng được.
set-up-devices-none = Chưa thấy thiết bị nào. Chúng sẽ hiện ra ở mục Thiết bị khi bắt đầu hỏi máy này.
set-up-strangers = Thiết bị lạ
set-up-strangers-lead = Thiết bị chưa biết của ai thì theo quy tắc của người được chọn ở đây. An toàn nhất là chọn bé nhỏ tuổi nhất: { $name }.
set-up-strangers-who = Thiết bị lạ theo quy tắc của

set-up-traffic-title = Đưa mạng trong nhà qua máy này
set-up-traffic-lead = Mỗi khi mở một trang, thiết bị hỏi “trang này ở đâu?”. Câu hỏi đó gọi là DNS. Khi câu hỏi được gửi đến máy này, Lũy Tre mới bảo vệ được. Hãy chọn một trong ba cách dưới đây.
set-up-addresses = Địa chỉ của máy này
set-up-addresses-none = Chưa biết địa chỉ của máy này. Hãy xem địa chỉ trong trang quản lý của bộ phát Wi-Fi.
set-up-traffic-proxy = Máy này đang là bộ định tuyến: mạng trong nhà đã đi qua đây, bạn không cần làm gì thêm.
set-up-way-router = Cách 1: đổi ở bộ phát Wi-Fi
set-up-way-router-who = Hợp với hầu hết các nhà: chỉ đổi một chỗ, mọi thiết bị đều theo.
set-up-way-router-1 = Mở trang quản lý của bộ phát Wi-Fi. Địa chỉ và mật khẩu thường in ở mặt dưới máy.
set-up-way-router-2 = Tìm mục DHCP hoặc LAN, rồi đến ô DNS.
set-up-way-router-3 = Nhập địa chỉ của máy này vào ô DNS thứ nhất, ô thứ hai để trống:
set-up-way-router-4 = Lưu lại, rồi tắt và bật Wi-Fi trên từng thiết bị để nhận địa chỉ mới.
set-up-way-box = Cách 2: máy này là bộ định tuyến
set-up-way-box-who = Hợp với nhà dùng OpenWrt hoặc một máy nhỏ đứng giữa nhà và mạng: chặt chẽ nhất, thiết bị không tự đi đường khác được.
set-up-way-box-how = Bật “Dẫn các kết nối qua máy này” ở mục Cài đặt. Mục Kiểm tra sẽ nói còn thiếu gì.
set-up-way-device = Cách 3: chỉ một vài thiết bị
set-up-way-device-who = Khi không vào được bộ phát Wi-Fi, hoặc chỉ muốn bảo vệ máy của con.
set-up-way-device-how = Trên thiết bị, mở cài đặt Wi-Fi, chọn mạng của nhà, đổi DNS sang “thủ công” và nhập:
set-up-way-away = Điện thoại mang ra khỏi nhà cũng được bảo vệ: hãy tạo khóa riêng cho điện thoại đó ở mục Thiết bị.
set-up-way-no-away = Muốn bảo vệ cả điện thoại mang ra khỏi nhà thì máy này cần một tên riêng trên mạng; phần [dns.encrypted] trong tệp cấu hình giải thích cách làm.

set-up-test-title = Thử xem đã chạy chưa
set-up-test-box = Máy này
set-up-test-whose = Bạn đang xem trang này từ một thiết bị của { $name }.
set-up-test-stranger = Thiết bị bạn đang dùng chưa thuộc về ai, nên theo quy tắc của { $name }.
set-up-test-try = Thử từ thiết bị này
set-up-test-try-lead = Mỗi nút mở một trang trong thẻ mới.
set-up-test-name = Trang này chỉ mở được khi thiết bị đang hỏi máy này. Nếu thấy trang của Lũy Tre là đúng:
set-up-test-blocked = Trang này được làm ra để thử và luôn bị chặn. Nếu không mở được, hoặc thấy trang giải thích của Lũy Tre, là đúng:
set-up-test-not = Nếu chưa được
set-up-test-not-1 = Tắt Wi-Fi rồi bật lại: thiết bị vẫn nhớ địa chỉ cũ cho đến khi kết nối lại.
set-up-test-not-2 = Tắt dữ liệu di động và VPN trên điện thoại khi thử.
set-up-test-not-3 = Trong trình duyệt, tắt “DNS an toàn” (DNS qua HTTPS). Trên Android, đặt “DNS riêng” thành tự động.
set-up-test-not-4 = Kiểm tra lại ô DNS ở bộ phát Wi-Fi: chỉ có địa chỉ của máy này, không có địa chỉ thứ hai.
set-up-test-again = Thử lại
set-up-done = Xong, về trang chính
